package imaging

import "inlet/imaging/exif"

// readMeta reads the camera's metadata, as far as there are any.
func readMeta(src *source, f Format) exif.Metadata {
	return exif.Read(src, src.size(), string(f))
}
