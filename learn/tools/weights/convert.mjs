// Writes weights.bin of learn/net, whose README.md tells the format, or with the
// word reviewer the file for net.LoadReviewer.
//
//   npm ci && npm run convert
//   node convert.mjs reviewer FILE

import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inception, license, mobile, objectron } from './sources.mjs'
import { parse } from './tflite.mjs'

const BLOCKS = 17 // of MobileNetV2, the first without an expansion
const OBJECTRON_LAST = 15 // the last block that learn/net runs, to its depthwise convolution
const UINT8 = 1
const FLOAT16 = 2
const FLOAT32 = 4
const EPSILON = 0.001 // of InceptionV3's batch norms

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

// quantised maps the names of a model's tensors to their values.
function quantised({ specs, bytes }) {
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
  return tensors
}

// mobileTensors lists weights and bias of each layer. TensorFlow.js has folded the
// batch norms into them before it quantised.
function mobileTensors() {
  const tensors = quantised(mobile())
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

// inceptionTensors lists weights, scale and bias of each convolution, as Keras
// numbers them, and weights and bias of the dense layers. The batch norms have
// parameters of their own, which become scale and bias.
function inceptionTensors() {
  const tensors = quantised(inception())
  const values = (name) => {
    const { scale, min, data } = tensors.get(name)
    return Float32Array.from(data, (v) => v * scale + min)
  }
  const matrix = (name) => {
    const { shape, scale, min, data } = tensors.get(name)
    const columns = shape.at(-1)
    return { type: UINT8, rows: data.length / columns, columns, scale, min, data }
  }
  const row = (floats) => ({ type: FLOAT32, rows: 1, columns: floats.length, scale: 1, min: 0, data: Buffer.from(floats.buffer) })

  const convolutions = Array.from({ length: 94 }, (_, i) => {
    const norm = (name) => values(`batch_normalization_${i + 1}/${name}`)
    const [beta, mean, variance] = [norm('beta'), norm('moving_mean'), norm('moving_variance')]
    const scale = variance.map((v) => 1 / Math.sqrt(v + EPSILON))
    return [matrix(`conv2d_${i + 1}/kernel`), row(scale), row(beta.map((v, c) => v - mean[c] * scale[c]))]
  })
  const dense = [1, 2, 3].map((i) => [matrix(`dense_${i}/kernel`), row(values(`dense_${i}/bias`))])
  return [...convolutions, ...dense].flat()
}

// write writes a file of tensors, sealed with its SHA-256.
function write(path, tensors) {
  const count = Buffer.alloc(4)
  count.writeUInt32LE(tensors.length)
  const body = Buffer.concat([Buffer.from('INLETNN1'), count, ...tensors.map(encode)])
  const file = Buffer.concat([body, createHash('sha256').update(body).digest()])
  writeFileSync(path, file)
  console.log(`${path}: ${tensors.length} tensors, ${file.length} bytes`)
}

const [first, second] = process.argv.slice(2)
if (first === 'reviewer' && second) {
  write(second, inceptionTensors())
} else if (first) {
  write(join(first, 'weights.bin'), [...mobileTensors(), ...objectronTensors()])
  writeFileSync(join(first, 'LICENSE.nsfwjs'), license())
} else {
  throw new Error('usage: node convert.mjs FOLDER, or node convert.mjs reviewer FILE')
}
