// Command versitygw builds the tests' S3 server if it is missing, and prints its
// path.
package main

import (
	"context"
	"fmt"
	"os"

	"inlet/blob/s3/s3test"
)

func main() {
	path, err := s3test.Program(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(path)
}
