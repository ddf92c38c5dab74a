package net

// depthwise is a 3×3 convolution of each channel with weights of its own, limited
// to 0…6. Around the picture it reads zeros, as TensorFlow pads "same": one pixel
// on each side at stride 1, one on the right and below at stride 2 (of an even
// size).
type depthwise struct {
	channels, stride int // channels is a multiple of 8

	weights []float32 // nine rows, one for each neighbour, of a value for each channel
	bias    []float32
}

// taps are a pixel's neighbours in reading order.
type taps [9][]float32

// reach returns which rows before the convolution its rows [from, to) need: from
// the first to one past the last. side is the picture's before it.
func (d *depthwise) reach(side, from, to int) (first, last int) {
	return max(from*d.stride-d.margin(), 0), min((to-1)*d.stride-d.margin()+3, side)
}

// margin is how many pixels of zeros stand left of and above the picture.
func (d *depthwise) margin() int { return 2 - d.stride }

// run computes the rows [from, to). in starts at row top of the side×side pixels
// before the convolution, out at row from. zeros has a value for each channel.
func (d *depthwise) run(simd bool, side, from, to int, in []float32, top int, out, zeros []float32) {
	after := side / d.stride
	var t taps
	for y := from; y < to; y++ {
		for x := range after {
			d.gather(&t, side, y*d.stride-d.margin(), x*d.stride-d.margin(), in, top, zeros)
			pixel := out[((y-from)*after+x)*d.channels:][:d.channels]
			if simd {
				d.pixelSIMD(&t, pixel)
			} else {
				d.pixel(&t, pixel)
			}
		}
	}
}

// gather finds the 3×3 pixels from (y, x) on; in starts at row top.
func (d *depthwise) gather(t *taps, side, y, x int, in []float32, top int, zeros []float32) {
	for row := range 3 {
		for column := range 3 {
			v, u := y+row, x+column
			pixel := zeros
			if uint(v) < uint(side) && uint(u) < uint(side) {
				pixel = in[((v-top)*side+u)*d.channels:]
			}
			t[3*row+column] = pixel[:d.channels]
		}
	}
}

// pixel computes a pixel in plain Go, three neighbours at a time.
func (d *depthwise) pixel(t *taps, out []float32) {
	copy(out, d.bias)
	for row := range 3 {
		n := len(out)
		w := d.weights[3*row*n:]
		w0, w1, w2 := w[:n], w[n:][:n], w[2*n:][:n]
		x0, x1, x2 := t[3*row][:n], t[3*row+1][:n], t[3*row+2][:n]
		for c := range out {
			out[c] += x0[c]*w0[c] + x1[c]*w1[c] + x2[c]*w2[c]
		}
	}
	for c, v := range out {
		out[c] = min(max(v, 0), 6)
	}
}
