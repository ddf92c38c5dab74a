package cli

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"inlet/client"
)

var errAltered = errors.New("the bytes that arrived are not those that are stored; nothing was kept")

func getCommand() *cobra.Command {
	var path string
	var width int
	var metadata bool
	cmd := &cobra.Command{
		Use:   "get ID",
		Short: "Fetch a picture, or what is known of it",
		Long: `Fetch a picture by its id: the bytes as they were sent, checked against their
SHA-256, or with --width a small JPEG. With --metadata the document of what is
known of it, as JSON.

It is written to a file with -o, which appears when it is complete, or to standard
output unless that is a terminal.
` + settingsHelp,
		Example: `  inlet get 0192a7c4-… -o picture.jpg
  inlet get 0192a7c4-… --width 640 > small.jpg
  inlet get 0192a7c4-… --metadata | jq .camera.name`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if width != 0 && !slices.Contains([]int{160, 320, 640, 1280}, width) {
				return usagef(cmd, "--width must be 160, 320, 640 or 1280")
			}
			if metadata && width != 0 {
				return usagef(cmd, "--metadata and --width are two different things: choose one")
			}
			out := output{path, !metadata}
			if err := out.check(cmd); err != nil {
				return err
			}
			op, err := operator(cmd)
			if err != nil {
				return err
			}
			if metadata {
				return getMetadata(cmd, op, args[0], out)
			}
			return getPicture(cmd, op, args[0], width, out)
		},
	}
	cmd.Flags().StringVarP(&path, "output", "o", "", "the file to write")
	cmd.Flags().IntVar(&width, "width", 0, "a JPEG no wider than 160, 320, 640 or 1280 pixels instead")
	cmd.Flags().BoolVar(&metadata, "metadata", false, "what is known of the picture instead")
	return cmd
}

func getMetadata(cmd *cobra.Command, op *client.Operator, id string, out output) error {
	doc, err := op.Metadata(cmd.Context(), id)
	if err != nil {
		return advised(err)
	}
	return out.write(cmd, func(w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return enc.Encode(doc)
	})
}

func getPicture(cmd *cobra.Command, op *client.Operator, id string, width int, out output) error {
	picture, err := op.Picture(cmd.Context(), id, width)
	if err != nil {
		return advised(err)
	}
	defer picture.Close()
	progress := newBars(cmd, false)
	defer progress.close()
	bar := progress.total("fetching", picture.Size, 1)
	defer bar.drop()
	return out.write(cmd, func(w io.Writer) error {
		sum := sha256.New()
		if _, err := io.Copy(io.MultiWriter(w, sum), bar.reader(picture)); err != nil {
			return fmt.Errorf("the picture broke off: %w", err)
		}
		if width == 0 && picture.ETag != hex.EncodeToString(sum.Sum(nil)) {
			return errAltered
		}
		return nil
	})
}
