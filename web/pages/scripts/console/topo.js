// The part of TopoJSON that outlines need: shared arcs of quantised steps.

// outline converts a TopoJSON object into the "d" of an SVG path, in degrees, north
// at the top.
export function outline(topology, name) {
  const { scale, translate } = topology.transform;

  const arcs = topology.arcs.map((arc) => {
    let x = 0;
    let y = 0;
    return arc.map(([dx, dy]) => {
      x += dx;
      y += dy;
      return [x * scale[0] + translate[0], -(y * scale[1] + translate[1])];
    });
  });

  const ring = (indices) => {
    const points = unwrap(indices.flatMap((i, n) => {
      const arc = i < 0 ? arcs[~i].toReversed() : arcs[i];
      return n === 0 ? arc : arc.slice(1); // its first point ends the previous arc
    }));
    const west = Math.min(...points.map(([x]) => x));
    const east = Math.max(...points.map(([x]) => x));
    return [0, west < -181 ? 360 : 0, east > 181 ? -360 : 0].filter((shift, i) => i === 0 || shift !== 0)
      .map((shift) => `M${points.map(([x, y]) => `${(x + shift).toFixed(2)},${y.toFixed(2)}`).join("L")}Z`);
  };

  const shapes = (geometry) => {
    switch (geometry.type) {
      case "GeometryCollection": return geometry.geometries.flatMap(shapes);
      case "Polygon": return geometry.arcs.flatMap(ring);
      case "MultiPolygon": return geometry.arcs.flat().flatMap(ring);
      default: return [];
    }
  };

  return shapes(topology.objects[name]).join("");
}

// unwrap continues a ring past 180 degrees where it crosses the antimeridian. It
// closes a ring around the world, such as Antarctica's, over the pole.
function unwrap(points) {
  let shift = 0;
  let last = points[0][0];
  const out = points.map(([x, y]) => {
    if (Math.abs(x - last) > 180) shift += x < last ? 360 : -360;
    last = x;
    return [x + shift, y];
  });

  const [[first]] = out;
  const [end, y] = out.at(-1);
  if (Math.abs(end - first) > 180) out.push([end, Math.sign(y) * 90], [first, Math.sign(y) * 90]);
  return out;
}
