package cli

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"inlet/client"
)

var errAltered = errors.New("the picture arrived damaged (its SHA-256 differs): fetch it again")

func getCommand() *cobra.Command {
	var out output
	var width int
	var metadata bool
	cmd := &cobra.Command{
		Use:   "get ID",
		Short: "Fetch a picture or its metadata",
		Long: `Fetch a picture by its id: the bytes as they were sent, checked against their
SHA-256, or with --width a small JPEG of it. With --metadata fetch what the server
knows of the picture, as JSON.

With -o the command writes to a file, which appears only once it is complete.
Otherwise it writes to standard output, but never a picture to a terminal.
` + settingsHelp,
		Example: `  inlet get 0192a7c4-… -o picture.jpg
  inlet get 0192a7c4-… --width 640 > small.jpg
  inlet get 0192a7c4-… --metadata | jq .camera.name`,
		Args: cobra.ExactArgs(1),
		RunE: asOperator(func(cmd *cobra.Command, op *client.Operator, args []string) error {
			if width != 0 && !slices.Contains([]int{160, 320, 640, 1280}, width) {
				return usagef(cmd, "--width must be 160, 320, 640 or 1280")
			}
			if metadata && width != 0 {
				return usagef(cmd, "choose --metadata or --width, not both")
			}
			if metadata {
				return getMetadata(cmd, op, args[0], out)
			}
			return getPicture(cmd, op, args[0], width, out)
		}),
	}

	out.flag(cmd)
	cmd.Flags().IntVar(&width, "width", 0, "fetch a JPEG at most `N` pixels wide: 160, 320, 640 or 1280")
	cmd.Flags().BoolVar(&metadata, "metadata", false, "fetch the picture's metadata as JSON")
	return cmd
}

func getMetadata(cmd *cobra.Command, op *client.Operator, id string, out output) error {
	doc, err := op.Metadata(cmd.Context(), id)
	if err != nil {
		return err
	}

	var text bytes.Buffer
	if err := json.Indent(&text, doc, "", "  "); err != nil {
		return err
	}
	return out.write(cmd, func(w io.Writer) error {
		_, err := fmt.Fprintln(w, &text)
		return err
	})
}

func getPicture(cmd *cobra.Command, op *client.Operator, id string, width int, out output) error {
	if err := out.refuseTerminal(cmd); err != nil {
		return err
	}

	picture, err := op.Picture(cmd.Context(), id, width)
	if err != nil {
		return err
	}
	defer picture.Close()

	return out.receive(cmd, "fetching", picture, picture.Size, func(sum string) bool {
		return sum == picture.ETag || width != 0 // a small JPEG's ETag is not its sum
	})
}

// exportFilters are the flags that select pictures, with the query's names.
var exportFilters = []struct{ flag, name, help string }{
	{"camera", "camera", "taken with the camera of this `NAME`, as the statistics name it"},
	{"link", "link", "that came through the link with this `ID`"},
	{"label", "label", "with this `LABEL`"},
	{"flag", "flag", "with this quality `FLAG`, such as blurry, dark, bright, blank, small or time-suspect"},
	{"from", "from", "uploaded at or after this `TIME`, such as 2026-01-31 or 2026-01-31T08:00:00Z"},
	{"to", "to", "uploaded before this `TIME`"},
	{"bbox", "bbox", "taken within this `BOX` of degrees: minlon,minlat,maxlon,maxlat"},
	{"image-format", "format", "of this `FORMAT`: jpeg, png, gif, webp, bmp, tiff, heic or avif"},
}

func exportCommand() *cobra.Command {
	var out output
	var form string
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Export the pictures, or their metadata as a table",
		Long: `Export the metadata of all pictures as a table (csv) or as one JSON document a line
(ndjson), or the pictures themselves (zip). The filters select pictures; together
they select those that match every filter.

The command writes to a file with -o, which appears when it is complete, and
otherwise to standard output.
` + settingsHelp,
		Example: `  inlet export -o pictures.csv
  inlet export --format zip --label cats -o cats.zip
  inlet export --format ndjson --camera "Canon EOS 40D" --from 2026-01-01 | jq -r .id`,
		Args: cobra.NoArgs,
		RunE: asOperator(func(cmd *cobra.Command, op *client.Operator, _ []string) error {
			return export(cmd, op, form, out)
		}),
	}

	out.flag(cmd)
	cmd.Flags().StringVar(&form, "format", "csv", "export as this `FORM`: csv, ndjson or zip")
	for _, f := range exportFilters {
		cmd.Flags().String(f.flag, "", "only pictures "+f.help)
	}
	return cmd
}

func export(cmd *cobra.Command, op *client.Operator, form string, out output) error {
	mediaType := map[string]string{"csv": "text/csv", "ndjson": "application/x-ndjson", "zip": "application/zip"}[form]
	if mediaType == "" {
		return usagef(cmd, "--format must be csv, ndjson or zip")
	}
	if form == "zip" {
		if err := out.refuseTerminal(cmd); err != nil {
			return err
		}
	}

	query := url.Values{} // the server checks the values
	for _, f := range exportFilters {
		if flag := cmd.Flags().Lookup(f.flag); flag.Changed {
			query.Set(f.name, flag.Value.String())
		}
	}

	stream, err := op.Export(cmd.Context(), mediaType, query)
	if errors.Is(err, client.ErrForm) {
		return fmt.Errorf("this server cannot export %s: %w", form, err)
	}
	if err != nil {
		return err
	}
	defer stream.Close()

	return out.receive(cmd, "exporting", stream, -1, func(string) bool { return true })
}

// output is the file to which get and export write; "" or "-": standard output.
type output string

func (o *output) flag(cmd *cobra.Command) {
	cmd.Flags().StringVarP((*string)(o), "output", "o", "", "write to `FILE`")
}

func (o output) stdout() bool { return o == "" || o == "-" }

// refuseTerminal keeps bytes that are not text off a terminal.
func (o output) refuseTerminal(cmd *cobra.Command) error {
	if _, screen := terminal(cmd.OutOrStdout()); screen && o.stdout() {
		return usagef(cmd, "a terminal cannot show this: name a file with -o, or redirect with >")
	}
	return nil
}

// receive writes a stream of size bytes (below 1: unknown) and shows progress. It
// fails unless valid accepts the SHA-256 of the bytes, in hexadecimal.
func (o output) receive(cmd *cobra.Command, label string, stream io.Reader, size int64, valid func(sum string) bool) error {
	var progress *bars
	if !o.stdout() { // bars and text would mix
		progress = newBars(cmd, false)
	}
	defer progress.close()
	bar := progress.total(label, size, 1)
	defer bar.drop()

	return o.write(cmd, func(w io.Writer) error {
		hash := sha256.New()
		if _, err := io.Copy(io.MultiWriter(w, hash), bar.reader(stream)); err != nil {
			return fmt.Errorf("the download broke off and is not complete: %w", err)
		}
		if !valid(hex.EncodeToString(hash.Sum(nil))) {
			return errAltered
		}
		return nil
	})
}

// write calls fill with the output. A file gets its name when fill succeeds; until
// then an earlier file of that name stays.
func (o output) write(cmd *cobra.Command, fill func(io.Writer) error) error {
	if o.stdout() {
		return fill(cmd.OutOrStdout())
	}

	info, err := os.Stat(string(o))
	switch {
	case err == nil && info.IsDir():
		return fmt.Errorf("%s is a folder: name a file", o)
	case err == nil && !info.Mode().IsRegular(): // a file must not replace a device or a pipe
		f, err := os.OpenFile(string(o), os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		return errors.Join(fill(f), f.Close())
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}

	f, err := renameio.NewPendingFile(string(o), renameio.WithTempDir(filepath.Dir(string(o))),
		renameio.WithPermissions(0o644), renameio.WithExistingPermissions())
	if err != nil {
		return err
	}
	defer func() { _ = f.Cleanup() }() // does nothing after CloseAtomicallyReplace

	if err := fill(f); err != nil {
		return err
	}
	return f.CloseAtomicallyReplace()
}
