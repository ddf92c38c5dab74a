// Command versitygw builds the S3 server of the tests, if it is not there yet,
// and prints its path.
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
