package imaging

import "inlet/imaging/exif"

// readMeta reads the camera's metadata.
func readMeta(src *source, f Format) exif.Metadata {
	return exif.Metadata{}
}
