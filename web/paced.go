package web

import (
	"errors"
	"net/http"
	"time"
)

// stall is how long a client may take to read one buffer of an answer. The service
// serves slow clients and drops those that hold a connection without reading.
const stall = time.Minute

// paced renews the connection's deadline with each write.
type paced struct {
	http.ResponseWriter
	control *http.ResponseController
}

func newPaced(w http.ResponseWriter) paced {
	return paced{w, http.NewResponseController(w)}
}

func (p paced) Write(b []byte) (int, error) {
	if err := p.extend(); err != nil {
		return 0, err
	}

	return p.ResponseWriter.Write(b)
}

// flush sends what is buffered to the client.
func (p paced) flush() error {
	if err := p.extend(); err != nil {
		return err
	}

	return supported(p.control.Flush())
}

func (p paced) extend() error {
	return supported(p.control.SetWriteDeadline(time.Now().Add(stall)))
}

// supported ignores that a connection, of a test, has no deadlines.
func supported(err error) error {
	if errors.Is(err, http.ErrNotSupported) {
		return nil
	}

	return err
}
