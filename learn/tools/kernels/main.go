// Kernels generates the AVX2 and FMA assembly of learn/gemm and learn/net:
//
//	go run ./kernels gemm -out ../gemm/tile_amd64.s -stubs ../gemm/stubs_amd64.go -pkg gemm
//	go run ./kernels depthwise -out ../net/depthwise_amd64.s -stubs ../net/stubs_amd64.go -pkg net
package main

import (
	"fmt"
	"os"

	. "github.com/mmcloughlin/avo/build"
)

func main() {
	generators := map[string]func(){"gemm": gemm, "depthwise": depthwise}
	generate, known := (func())(nil), false
	if len(os.Args) > 1 {
		generate, known = generators[os.Args[1]]
	}
	if !known {
		fmt.Fprintln(os.Stderr, "usage: kernels gemm|depthwise -out FILE -stubs FILE -pkg NAME")
		os.Exit(2)
	}

	// avo reads the remaining flags.
	os.Args = append(os.Args[:1], os.Args[2:]...)
	ConstraintExpr("!purego")
	generate()
	Generate()
}
