// Finds the two nets in their npm packages.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const require = createRequire(import.meta.url)
const folder = (name) => join(dirname(require.resolve('./package.json')), 'node_modules', name)

// nsfw reads a model of nsfwjs: its topology, and its weights, uint8 with a scale
// and a minimum for each tensor.
function nsfw(name, shards) {
  const models = join(folder('nsfwjs'), 'dist/models', name)
  const load = (file) => {
    const module = require(join(models, file))
    return module.default ?? module
  }
  const model = load('model.min.js')
  const parts = Array.from({ length: shards }, (_, i) => Buffer.from(load(`group1-shard${i + 1}of${shards}.min.js`), 'base64'))
  return { topology: model.modelTopology, specs: model.weightsManifest[0].weights, bytes: Buffer.concat(parts) }
}

// mobile is MobileNetV2-1.4, a graph whose batch norms are folded.
export const mobile = () => nsfw('mobilenet_v2_mid', 2)

// inception is InceptionV3, the layers of Keras.
export const inception = () => nsfw('inception_v3', 6)

// license is nsfwjs' licence.
export const license = () => readFileSync(join(folder('nsfwjs'), 'LICENSE'))

// objectron is the SSD-MobileNetV2 of MediaPipe's Objectron. Emscripten packs the
// file among others; the loader beside the pack says where it starts and ends.
export function objectron() {
  const solution = join(folder('@mediapipe/objectron'), 'objectron_solution_packed_assets')
  const loader = readFileSync(`${solution}_loader.js`, 'utf8')
  const entry = /"filename": "[^"]*object_detection_ssd_mobilenetv2_oidv4_fp16\.tflite", "start": (\d+), "end": (\d+)/.exec(loader)
  if (!entry) throw new Error(`${solution}_loader.js names no SSD-MobileNetV2`)
  return readFileSync(`${solution}.data`).subarray(Number(entry[1]), Number(entry[2]))
}
