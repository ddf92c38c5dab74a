// Writes weights.bin of learn/net, of which learn/net/README.md tells the format.
//
//   npm ci && npm run convert

import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { mobile, objectron } from './sources.mjs'
import { parse } from './tflite.mjs'

const BLOCKS = 17 // of MobileNetV2, the first without an expansion
const OBJECTRON_LAST = 15 // the last block that learn/net runs, to its depthwise convolution
const UINT8 = 1
const FLOAT16 = 2

// layers names the convolutions in the order in which they run.
function layers(last, whole) {
  const names = ['Conv']
  for (let i = 0; i <= last; i++) {
    const block = i === 0 ? 'expanded_conv' : `expanded_conv_${i}`
    if (i > 0) names.push(`${block}/expand`)
    names.push(`${block}/depthwise`)
    if (i < last || whole) names.push(`${block}/project`)
  }
  return names
}

// encode writes a tensor: its type, rows, columns, scale and minimum, then its values.
function encode({ type, rows, columns, scale, min, data }) {
  const header = Buffer.alloc(28)
  header.writeUInt32LE(type, 0)
  header.writeUInt32LE(rows, 4)
  header.writeUInt32LE(columns, 8)
  header.writeDoubleLE(scale, 12)
  header.writeDoubleLE(min, 20)
  if (data.length !== rows * columns * type) throw new Error(`${data.length} bytes for ${rows}×${columns}`)
  return Buffer.concat([header, data])
}

// mobileTensors yields weights and bias of each layer. TensorFlow.js has folded the
// batch norms into them before it quantised.
function mobileTensors() {
  const { specs, bytes } = mobile()
  const tensors = new Map()
  let at = 0
  for (const spec of specs) {
    const size = spec.shape.reduce((a, b) => a * b, 1)
    if (spec.quantization?.dtype !== 'uint8') throw new Error(`${spec.name} is not uint8`)
    const name = spec.name.replace(/^.*MobilenetV2\//, '')
    tensors.set(name, { shape: spec.shape, ...spec.quantization, data: bytes.subarray(at, at + size) })
    at += size
  }
  if (at !== bytes.length) throw new Error(`${bytes.length - at} bytes are left`)

  const get = (name, rowsOf) => {
    const t = tensors.get(name)
    if (!t) throw new Error(`no tensor ${name}`)
    const rows = rowsOf(t.shape)
    return { type: UINT8, rows, columns: t.data.length / rows, scale: t.scale, min: t.min, data: t.data }
  }
  const conv = ([height, width, channels]) => height * width * channels
  const depthwise = ([height, width]) => height * width
  const one = () => 1
  const convolutions = [...layers(BLOCKS - 1, true), 'Conv_1'].flatMap((layer) => {
    const separable = layer.endsWith('depthwise')
    const stem = separable ? `${layer}/depthwise` : `${layer}/Conv2D`
    return [get(separable ? `${layer}/depthwise_weights` : `${stem}_weights`, separable ? depthwise : conv), get(separable ? `${layer}/depthwise_bn_offset` : `${stem}_bn_offset`, one)]
  })
  return [...convolutions, get('Func/StatefulPartitionedCall/input/_262', ([rows]) => rows), get('Func/StatefulPartitionedCall/input/_263', one)]
}

// objectronTensors yields the same of the second net, whose weights are float16. Its
// convolutions lie as output, height, width, input; learn/net wants the output last.
function objectronTensors() {
  const { tensors, operators } = parse(objectron())
  const source = new Map(operators.filter((o) => o.op === 'DEQUANTIZE').map((o) => [o.outputs[0], tensors[o.inputs[0]]]))
  const convolutions = new Map()
  for (const o of operators) {
    const name = /^FeatureExtractor\/MobilenetV2\/(Conv|expanded_conv(?:_\d+)?\/(?:expand|depthwise|project))\//.exec(tensors[o.outputs[0]].name)?.[1]
    if (name && o.op.endsWith('CONV_2D')) convolutions.set(name, { ...o, weights: source.get(o.inputs[1]), bias: source.get(o.inputs[2]) })
  }

  return layers(OBJECTRON_LAST, false).flatMap((layer) => {
    const { op, weights, bias } = convolutions.get(layer)
    if (weights.type !== 'float16' || bias.type !== 'float16') throw new Error(`${layer} is not float16`)
    const [outputs, height, width, inputs] = weights.shape
    const matrix = op === 'DEPTHWISE_CONV_2D' ? { rows: height * width, columns: inputs, data: Buffer.from(weights.data) } : { rows: height * width * inputs, columns: outputs, data: transpose16(weights.data, outputs, height * width * inputs) }
    return [
      { type: FLOAT16, scale: 1, min: 0, ...matrix },
      { type: FLOAT16, scale: 1, min: 0, rows: 1, columns: bias.shape[0], data: Buffer.from(bias.data) },
    ]
  })
}

// transpose16 transposes a matrix of two-byte values.
function transpose16(data, rows, columns) {
  const transposed = Buffer.alloc(data.length)
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      transposed[2 * (j * rows + i)] = data[2 * (i * columns + j)]
      transposed[2 * (j * rows + i) + 1] = data[2 * (i * columns + j) + 1]
    }
  }
  return transposed
}

const folder = process.argv[2]
if (!folder) throw new Error('usage: node convert.mjs FOLDER')
const tensors = [...mobileTensors(), ...objectronTensors()]
const count = Buffer.alloc(4)
count.writeUInt32LE(tensors.length)
const body = Buffer.concat([Buffer.from('INLETNN1'), count, ...tensors.map(encode)])
const file = Buffer.concat([body, createHash('sha256').update(body).digest()])
writeFileSync(join(folder, 'weights.bin'), file)
writeFileSync(join(folder, 'LICENSE.nsfwjs'), mobile().license)
console.log(`weights.bin: ${tensors.length} tensors, ${file.length} bytes`)
