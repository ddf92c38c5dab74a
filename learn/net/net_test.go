package net

import "testing"

func picture(seed int) []byte {
	rgb := make([]byte, 3*Square*Square)
	for y := range Square {
		for x := range Square {
			for c := range 3 {
				v := (x*(seed+c+1) + y*(2*seed+3-c)) % 256
				if (x-112)*(x-112)+(y-100)*(y-100) < 60*60 {
					v = 255 - (x*y*(c+1)/64)%256
				}
				rgb[3*(y*Square+x)+c] = byte(v)
			}
		}
	}
	return rgb
}

func BenchmarkFeatures(b *testing.B) {
	n, err := Load()
	if err != nil {
		b.Fatal(err)
	}
	rgb := picture(1)
	b.ReportAllocs()
	for b.Loop() {
		o, err := n.Features(b.Context(), rgb, nil)
		if err != nil {
			b.Fatal(err)
		}
		if b.N==1 { b.Log(o.Classes, o.Mobile[:5], o.Objectron[:5]) }
	}
}
