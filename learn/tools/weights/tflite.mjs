// Reads as much of a TensorFlow Lite file as the converter and the reference
// need: tensors, buffers and operators of the first subgraph. The numbers of
// fields and operators are those of TensorFlow's schema.fbs (version 3).

const FLOAT32 = 0
const FLOAT16 = 1

const OPERATORS = { 0: 'ADD', 2: 'CONCATENATION', 3: 'CONV_2D', 4: 'DEPTHWISE_CONV_2D', 6: 'DEQUANTIZE', 14: 'LOGISTIC', 22: 'RESHAPE', 32: 'CUSTOM' }
const ACTIVATIONS = { 0: 'none', 1: 'relu', 3: 'relu6' }
const PADDINGS = { 0: 'same', 1: 'valid' }

// Table is a table of a FlatBuffer: field n is at the offset that the vtable says.
class Table {
  constructor(view, at) {
    this.view = view
    this.at = at
  }

  offset(field) {
    const vtable = this.at - this.view.getInt32(this.at, true)
    const slot = 4 + 2 * field
    const offset = slot < this.view.getUint16(vtable, true) ? this.view.getUint16(vtable + slot, true) : 0
    return offset && this.at + offset
  }

  int(field, otherwise = 0) {
    const at = this.offset(field)
    return at ? this.view.getInt32(at, true) : otherwise
  }

  byte(field, otherwise = 0) {
    const at = this.offset(field)
    return at ? this.view.getInt8(at) : otherwise
  }

  table(field) {
    const at = this.offset(field)
    return at ? new Table(this.view, at + this.view.getUint32(at, true)) : undefined
  }

  vector(field) {
    const at = this.offset(field)
    if (!at) return { length: 0, start: 0 }
    const vector = at + this.view.getUint32(at, true)
    return { length: this.view.getUint32(vector, true), start: vector + 4 }
  }

  bytes(field) {
    const { length, start } = this.vector(field)
    return new Uint8Array(this.view.buffer, this.view.byteOffset + start, length)
  }

  string(field) {
    return new TextDecoder().decode(this.bytes(field))
  }

  ints(field) {
    const { length, start } = this.vector(field)
    return Array.from({ length }, (_, i) => this.view.getInt32(start + 4 * i, true))
  }

  tables(field) {
    const { length, start } = this.vector(field)
    return Array.from({ length }, (_, i) => {
      const at = start + 4 * i
      return new Table(this.view, at + this.view.getUint32(at, true))
    })
  }
}

// parse returns the tensors {name, shape, type, data (bytes; empty if computed)}
// and the operators {op, inputs, outputs, stride, padding, activation}.
export function parse(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (new TextDecoder().decode(bytes.subarray(4, 8)) !== 'TFL3') throw new Error('not a TensorFlow Lite file')
  const model = new Table(view, view.getUint32(0, true))

  const codes = model.tables(1).map((code) => Math.max(code.byte(0), code.int(3)))
  const buffers = model.tables(4)
  const graph = model.tables(2)[0]

  const tensors = graph.tables(0).map((tensor) => ({
    name: tensor.string(3),
    shape: tensor.ints(0),
    type: { [FLOAT32]: 'float32', [FLOAT16]: 'float16' }[tensor.byte(1)] ?? 'other',
    data: buffers[tensor.int(2)].bytes(0),
  }))
  const operators = graph.tables(3).map((operator) => describe(codes[operator.int(0)], operator))
  return { tensors, operators, inputs: graph.ints(1), outputs: graph.ints(2) }
}

// describe reads an operator's options, which have other fields for each kind.
function describe(code, operator) {
  const op = OPERATORS[code] ?? `operator ${code}`
  const described = { op, inputs: operator.ints(1), outputs: operator.ints(2), padding: 'same', stride: 1, activation: 'none' }
  const options = operator.table(4)
  if (!options) return described

  if (op === 'ADD') described.activation = ACTIVATIONS[options.byte(0)]
  if (op === 'CONV_2D' || op === 'DEPTHWISE_CONV_2D') {
    described.padding = PADDINGS[options.byte(0)]
    described.stride = options.int(2, 1)
    described.activation = ACTIVATIONS[options.byte(op === 'CONV_2D' ? 3 : 4)]
  }
  return described
}

// floats reads the values of a constant tensor.
export function floats(tensor) {
  const { data } = tensor
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  if (tensor.type === 'float32') return Float32Array.from({ length: data.length / 4 }, (_, i) => view.getFloat32(4 * i, true))
  if (tensor.type === 'float16') return Float32Array.from({ length: data.length / 2 }, (_, i) => half(view.getUint16(2 * i, true)))
  throw new Error(`${tensor.name} has no floats`)
}

// half is the value of an IEEE 754 binary16 number.
function half(bits) {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 31) return fraction ? NaN : sign * Infinity
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}
