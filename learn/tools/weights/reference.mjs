// Writes reference.json and review.json in testdata of learn/net: what TensorFlow.js computes with the
// packages' own weights for pictures that the Go test draws in the same way.
//
//   npm ci && npm run reference
//
// The first net is the package's graph, run by tfjs-converter, its weights
// dequantised by tfjs. The second is TensorFlow Lite's graph, operator for operator
// from the file itself, each run by a kernel of tfjs. The reviewer is the package's
// model, run by tfjs-layers. None shares anything with convert.mjs but the reading of
// the packages.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as tf from '@tensorflow/tfjs-core'
import '@tensorflow/tfjs-backend-cpu'
import { loadGraphModel } from '@tensorflow/tfjs-converter'
import { loadLayersModel } from '@tensorflow/tfjs-layers'
import { inception, mobile, objectron } from './sources.mjs'
import { floats, parse } from './tflite.mjs'

const SQUARE = 224
const REVIEW = 299
const MOBILE_FEATURES = /expanded_conv_13\/depthwise\/depthwise$/
const OBJECTRON_FEATURES = /^FeatureExtractor\/MobilenetV2\/expanded_conv_15\/depthwise\//

// draw makes a picture that has edges, gradients and a disc. net_test.go has the same.
function draw(seed, side) {
  const rgb = new Uint8Array(3 * side * side)
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      for (let c = 0; c < 3; c++) {
        let v = (x * (seed + c + 1) + y * (2 * seed + 3 - c)) % 256
        if ((x - 112) ** 2 + (y - 100) ** 2 < 60 * 60) v = 255 - (Math.floor((x * y * (c + 1)) / 64) % 256)
        if (seed === 0) v = 255 // a blank picture
        rgb[3 * (y * side + x) + c] = v
      }
    }
  }
  return rgb
}

const image = (rgb, side, scale, offset) => tf.tensor4d(Float32Array.from(rgb, (v) => v * scale + offset), [1, side, side, 3])
const round = (values) => values.map((v) => Number(v.toPrecision(7)))
const average = (layer) => Array.from(tf.mean(layer, [1, 2]).dataSync())

// runMobile gives the package's graph the picture as nsfwjs does: 0 to 1.
function runMobile(model, rgb) {
  const layer = model.artifacts.modelTopology.node.find((n) => MOBILE_FEATURES.test(n.name)).name
  return tf.tidy(() => {
    const [features, classes] = model.execute(image(rgb, SQUARE, 1 / 255, 0), [layer, 'Identity'])
    return { mobile: average(features), classes: Array.from(classes.dataSync()) }
  })
}

// handler gives a model of nsfwjs to TensorFlow.js, which dequantises it.
function handler({ topology, specs, bytes }) {
  const weightData = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)
  return { load: async () => ({ modelTopology: topology, weightSpecs: specs, weightData }) }
}

// runObjectron runs those operators of the graph that lead to the features.
function runObjectron(graph, rgb) {
  const producer = new Map(graph.operators.map((o) => [o.outputs[0], o]))
  const last = graph.operators.find((o) => OBJECTRON_FEATURES.test(graph.tensors[o.outputs[0]].name) && o.op === 'DEPTHWISE_CONV_2D')

  return tf.tidy(() => {
    const values = new Map([[graph.inputs[0], image(rgb, SQUARE, 1 / 127.5, -1)]])
    const value = (i) => {
      if (!values.has(i)) {
        const o = producer.get(i)
        values.set(i, o ? activate(o.activation, kernel(o, o.inputs.map(value))) : tf.tensor(floats(graph.tensors[i]), graph.tensors[i].shape))
      }
      return values.get(i)
    }
    return average(value(last.outputs[0]))
  })
}

function kernel(o, [a, b, bias]) {
  switch (o.op) {
    case 'DEQUANTIZE':
      return a
    case 'ADD':
      return tf.add(a, b)
    case 'CONV_2D': // output, height, width, input → height, width, input, output
      return tf.add(tf.conv2d(a, tf.transpose(b, [1, 2, 3, 0]), o.stride, o.padding), bias)
    case 'DEPTHWISE_CONV_2D': // 1, height, width, channels → height, width, channels, 1
      return tf.add(tf.depthwiseConv2d(a, tf.transpose(b, [1, 2, 3, 0]), o.stride, o.padding), bias)
    default:
      throw new Error(`no kernel for ${o.op}`)
  }
}

function activate(name, value) {
  if (name === 'relu6') return tf.relu6(value)
  if (name === 'none') return value
  throw new Error(`no kernel for ${name}`)
}

const folder = process.argv[2]
if (!folder) throw new Error('usage: node reference.mjs FOLDER')
await tf.setBackend('cpu')
const model = await loadGraphModel(handler(mobile()))
const graph = parse(objectron())

const pictures = [0, 1, 5].map((seed) => {
  const rgb = draw(seed, SQUARE)
  const { mobile: first, classes } = runMobile(model, rgb)
  console.log(`picture ${seed}: classes ${classes.map((v) => v.toFixed(4))}`)
  return { seed, classes: round(classes), mobile: round(first), objectron: round(runObjectron(graph, rgb)) }
})
writeFileSync(join(folder, 'reference.json'), `${JSON.stringify(pictures)}\n`)

const reviewer = await loadLayersModel(handler(inception()))
const reviews = [0, 1, 5].map((seed) => {
  const classes = tf.tidy(() => Array.from(reviewer.predict(image(draw(seed, REVIEW), REVIEW, 1 / 255, 0)).dataSync()))
  console.log(`picture ${seed}: review ${classes.map((v) => v.toFixed(4))}`)
  return { seed, classes: round(classes) }
})
writeFileSync(join(folder, 'review.json'), `${JSON.stringify(reviews)}\n`)
