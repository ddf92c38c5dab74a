package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"inlet/bench/service"
)

// together is how many sums a client that checks first asks for in one request.
const together = 20

// picture is a file to send.
type picture struct {
	data []byte
	sum  string
}

func newPicture(data []byte) picture {
	sum := sha256.Sum256(data)
	return picture{data, hex.EncodeToString(sum[:])}
}

// outcome is the cost of sending some pictures.
type outcome struct {
	pictures  int
	took      time.Duration
	server    service.CPU // of the server and, as its children, of its Redis
	database  time.Duration
	latencies []time.Duration // of every request that carried a picture
	idle      float64         // unused share of the machine's processors
	others    float64         // share that other processes used
}

func (o outcome) rate() float64 { return float64(o.pictures) / o.took.Seconds() }

// perPicture is a processor time in milliseconds a picture.
func (o outcome) perPicture(d time.Duration) float64 {
	return d.Seconds() * 1000 / float64(o.pictures)
}

// quantile of the latencies, in milliseconds.
func (o outcome) quantile(q float64) float64 {
	slices.Sort(o.latencies)
	if len(o.latencies) == 0 {
		return 0
	}

	return o.latencies[int(q*float64(len(o.latencies)-1))].Seconds() * 1000
}

// client sends pictures to one server.
type client struct {
	*http.Client
	to      *server
	clients int
}

func newClient(to *server, clients int) *client {
	return &client{&http.Client{
		Timeout:   time.Minute,
		Transport: &http.Transport{MaxIdleConnsPerHost: clients, WriteBufferSize: 64 << 10, DisableCompression: true},
	}, to, clients}
}

// sendAll sends the pictures through all clients at once. With checkFirst the
// clients ask which pictures the server has, and skip those.
func (c *client) sendAll(ctx context.Context, pictures []picture, checkFirst bool) (outcome, error) {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	chunk := 1
	if checkFirst && c.to.check != "" {
		chunk = together
	}

	chunks := make(chan []picture)
	latencies := make([][]time.Duration, c.clients)
	var wg sync.WaitGroup
	start := time.Now()
	for i := range c.clients {
		wg.Go(func() {
			for some := range chunks {
				if err := c.sendSome(ctx, some, chunk > 1, &latencies[i]); err != nil {
					fail(err)
				}
			}
		})
	}

	for some := range slices.Chunk(pictures, chunk) {
		chunks <- some
	}

	close(chunks)
	wg.Wait()

	return outcome{pictures: len(pictures), took: time.Since(start), latencies: slices.Concat(latencies...)}, context.Cause(ctx)
}

func (c *client) sendSome(ctx context.Context, some []picture, check bool, latencies *[]time.Duration) error {
	known := map[string]bool{}
	if check {
		var err error
		if known, err = c.known(ctx, some); err != nil {
			return err
		}
	}

	for _, p := range some {
		if known[p.sum] {
			continue
		}

		start := time.Now()
		if err := c.send(ctx, p); err != nil {
			return err
		}

		*latencies = append(*latencies, time.Since(start))
	}

	return nil
}

// send sends one picture; any answer but acceptance is an error.
func (c *client) send(ctx context.Context, p picture) error {
	contentType, head, tail := service.Envelope(c.to.form, p.sum[:8]+".jpg")
	body := io.MultiReader(bytes.NewReader([]byte(head)), bytes.NewReader(p.data), bytes.NewReader([]byte(tail)))
	var answer struct {
		SHA256  string
		Results []struct{ Status, SHA256 string }
	}

	err := c.post(ctx, c.to.url, contentType, body, len(head)+len(p.data)+len(tail), &answer)
	if err != nil {
		return err
	}

	sum := answer.SHA256
	if len(answer.Results) == 1 && answer.Results[0].Status != "rejected" {
		sum = answer.Results[0].SHA256
	}

	if sum != p.sum {
		return fmt.Errorf("%s took %s for %s", c.to.name, p.sum, sum)
	}

	return nil
}

// known returns the sums that the server already has.
func (c *client) known(ctx context.Context, some []picture) (map[string]bool, error) {
	var ask struct {
		SHA256 []string `json:"sha256"`
	}

	for _, p := range some {
		ask.SHA256 = append(ask.SHA256, p.sum)
	}

	body, err := json.Marshal(ask)
	if err != nil {
		return nil, err
	}

	var answer struct{ Known []string }
	if err := c.post(ctx, c.to.check, "application/json", bytes.NewReader(body), len(body), &answer); err != nil {
		return nil, err
	}

	known := map[string]bool{}
	for _, sum := range answer.Known {
		known[sum] = true
	}

	return known, nil
}

func (c *client) post(ctx context.Context, url, contentType string, body io.Reader, size int, answer any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, body)
	if err != nil {
		return err
	}

	req.ContentLength = int64(size)
	req.Header.Set("Content-Type", contentType)
	resp, err := c.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusCreated {
		return fmt.Errorf("%s answered %d: %s", c.to.name, resp.StatusCode, text)
	}

	return json.Unmarshal(text, answer)
}
