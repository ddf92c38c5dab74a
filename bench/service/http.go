package service

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// boundary of the multipart forms.
const boundary = "----inlet-bench-3f1c9a77d2"

// Envelope returns the Content-Type of an upload and the parts of its body before
// and after the picture.
func Envelope(form bool, name string) (contentType, head, tail string) {
	if !form {
		return "image/jpeg", "", ""
	}

	return "multipart/form-data; boundary=" + boundary,
		"--" + boundary + "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"" + name + "\"\r\nContent-Type: image/jpeg\r\n\r\n",
		"\r\n--" + boundary + "--\r\n"
}

// NewLink creates an upload link that expires in a day, and returns its token.
func NewLink(ctx context.Context, base, operatorToken, label string) (string, error) {
	spec, err := json.Marshal(map[string]string{"expires_in": "24h", "label": label})
	if err != nil {
		return "", err
	}

	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/v1/links", strings.NewReader(string(spec)))
	if err != nil {
		return "", err
	}

	req.Header.Set("Authorization", "Bearer "+operatorToken)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", fmt.Errorf("make a link: %w", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return "", fmt.Errorf("make a link: %w", err)
	}

	var link struct {
		Token string `json:"token"`
	}

	if resp.StatusCode != http.StatusCreated || json.Unmarshal(text, &link) != nil || link.Token == "" {
		return "", fmt.Errorf("make a link: %s: %s", resp.Status, text)
	}

	return link.Token, nil
}
