// Command dashboards writes the dashboards of boards.go into a folder, one JSON
// file each, ready for Grafana's provisioning.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"log"
	"os"
	"path/filepath"
)

func main() {
	log.SetFlags(0)
	dir := flag.String("dir", "../grafana/dashboards", "folder of the files")
	flag.Parse()

	for _, b := range boards {
		doc, err := b.document()
		if err == nil {
			err = os.WriteFile(filepath.Join(*dir, b.uid+".json"), doc, 0o644)
		}
		if err != nil {
			log.Fatalf("dashboards: %s: %v", b.uid, err)
		}
	}
}

// document is a board's file.
func (b board) document() ([]byte, error) {
	built, err := b.build()
	if err != nil {
		return nil, err
	}

	var doc bytes.Buffer
	enc := json.NewEncoder(&doc)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	err = enc.Encode(built)

	return doc.Bytes(), err
}
