// Kernels generates the AVX2 and FMA assembly of learn/gemm and learn/net, which
// the repository contains. "go generate ./learn/..." runs it.
package main

import (
	"flag"
	"fmt"
	"os"

	. "github.com/mmcloughlin/avo/build"
)

func main() {
	kernels := flag.String("kernels", "", "`name` of the kernels: gemm or depthwise")
	flag.Parse() // with the flags of avo, which say where the files go

	ConstraintExpr("!purego")
	switch *kernels {
	case "gemm":
		gemm()
	case "depthwise":
		depthwise()
	default:
		fmt.Fprintln(os.Stderr, "-kernels is neither gemm nor depthwise")
		os.Exit(2)
	}
	Generate()
}
