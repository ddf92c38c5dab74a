// Server-sent events, read from a stream: EventSource cannot send a header.

// parser returns a function that takes the pieces of a stream's text. It calls onEvent
// with the name and the data of each complete event.
export function parser(onEvent) {
  let rest = "";
  let name = "";
  let data = [];

  const line = (text) => {
    if (text === "") {
      if (data.length > 0) onEvent(name || "message", data.join("\n"));
      name = "";
      data = [];
      return;
    }

    const colon = text.indexOf(":");
    const field = colon < 0 ? text : text.slice(0, colon);
    const value = colon < 0 ? "" : text.slice(colon + 1).replace(/^ /, "");
    if (field === "event") name = value;
    else if (field === "data") data.push(value);
  };

  return (piece) => {
    rest += piece;
    // A carriage return at the end of a piece may be half of a line ending.
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop();
    lines.forEach(line);
  };
}
