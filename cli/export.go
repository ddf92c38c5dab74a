package cli

import (
	"errors"
	"fmt"
	"io"
	"net/url"

	"github.com/spf13/cobra"

	"inlet/client"
)

// exportForms are the media types of the forms.
var exportForms = map[string]string{
	"csv": "text/csv", "ndjson": "application/x-ndjson", "zip": "application/zip",
}

// exportFilters are the flags that say which pictures, and the query's names.
var exportFilters = []struct{ flag, name, help string }{
	{"camera", "camera", "taken by this camera, as the statistics name it"},
	{"link", "link", "that came through the link with this id"},
	{"label", "label", "that bear this label"},
	{"from", "from", "uploaded at this date or time or later (2026-01-31, 2026-01-31T08:00:00Z)"},
	{"to", "to", "uploaded before this date or time"},
	{"bbox", "bbox", "taken within minlon,minlat,maxlon,maxlat"},
	{"image-format", "format", "of this format: jpeg, png, gif, webp, bmp, tiff, heic or avif"},
}

func exportCommand() *cobra.Command {
	var path, form string
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Take the pictures' data out, or the pictures themselves",
		Long: `Export what is known of all pictures as a table (csv) or as one JSON document a
line (ndjson), or the pictures themselves (zip). The filters say which.

It is streamed, to standard output or to a file with -o, which appears when it is
complete.
` + settingsHelp,
		Example: `  inlet export -o pictures.csv
  inlet export --format zip --label cats -o cats.zip
  inlet export --format ndjson --camera "Canon EOS 40D" --from 2026-01-01 | jq -r .id`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			mediaType, found := exportForms[form]
			if !found {
				return usagef(cmd, "--format must be csv, ndjson or zip")
			}
			out := output{path, form == "zip"}
			if err := out.check(cmd); err != nil {
				return err
			}
			return export(cmd, mediaType, exportQuery(cmd), out)
		},
	}
	cmd.Flags().StringVarP(&path, "output", "o", "", "the file to write")
	cmd.Flags().StringVar(&form, "format", "csv", "csv, ndjson or zip")
	for _, f := range exportFilters {
		cmd.Flags().String(f.flag, "", "only those "+f.help)
	}
	return cmd
}

// exportQuery has the filters that were given; the server knows what they may be.
func exportQuery(cmd *cobra.Command) url.Values {
	query := url.Values{}
	for _, f := range exportFilters {
		if flag := cmd.Flags().Lookup(f.flag); flag.Changed {
			query.Set(f.name, flag.Value.String())
		}
	}
	return query
}

func export(cmd *cobra.Command, mediaType string, query url.Values, out output) error {
	op, err := operator(cmd)
	if err != nil {
		return err
	}
	stream, err := op.Export(cmd.Context(), mediaType, query)
	if errors.Is(err, client.ErrForm) {
		return fmt.Errorf("this server cannot export that: %w", err)
	}
	if err != nil {
		return advised(err)
	}
	defer stream.Close()
	var progress *bars
	if out.path != "" && out.path != "-" { // bars and lines would mix
		progress = newBars(cmd, false)
	}
	defer progress.close()
	bar := progress.total("exporting", 0, 1)
	defer bar.drop()
	return out.write(cmd, func(w io.Writer) error {
		if _, err := io.Copy(w, bar.reader(stream)); err != nil {
			return fmt.Errorf("the export broke off and is not whole: %w", err)
		}
		return nil
	})
}
