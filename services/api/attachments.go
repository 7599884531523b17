package api

import (
	"bufio"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/daicho-dev/daicho/contracts"
)

func (a *API) attachmentRoutes() []Route {
	return []Route{
		{"POST", "/v1/attachments", a.asked(a.upload)},
		{"POST", "/v1/records/{id}/attachment", a.asked(a.attachment)},
	}
}

// upload takes a body of any length as it comes. Its name is somebody's, and so stands in a header: URLs are written into many logs.
func (a *API) upload(s *serving, w http.ResponseWriter, r *http.Request) error {
	about := contracts.AttachmentInfo{Type: r.Header.Get("Content-Type")}
	if d := r.Header.Get("Content-Disposition"); d != "" {
		_, params, err := mime.ParseMediaType(d)
		if err != nil {
			return &contracts.Problem{Type: "about:blank", Title: "The question cannot be understood", Status: 400, Code: "question", Field: "name",
				Detail: "Content-Disposition cannot be read; the name is given as attachment; filename*=UTF-8''…"}
		}
		about.Name = params["filename"]
	}
	out, err := s.Attachments.Upload(r.Context(), about, r.Body)
	if err != nil {
		return err
	}
	return answerAs(w, http.StatusCreated, out)
}

// attachment gives the bytes. The first ones are opened before anything is answered; should a later one not open, the answer ends short
// of the length that it announced, which every client takes for a failure.
func (a *API) attachment(s *serving, w http.ResponseWriter, r *http.Request) error {
	var q contracts.AttachmentQuestion
	if err := question(r, &q); err != nil {
		return err
	}
	q.Record = r.PathValue("id")
	about, from, err := s.Attachments.Attachment(r.Context(), q)
	if err != nil {
		return err
	}
	defer from.Close()
	body := bufio.NewReaderSize(from, 64<<10)
	if _, err := body.Peek(1); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", about.Type)
	h.Set("Content-Length", strconv.FormatInt(about.Size, 10))
	h.Set("Content-Security-Policy", "sandbox") // whatever it is, a browser runs none of it
	disposition := map[string]string{}
	if about.Name != "" {
		disposition["filename"] = about.Name
	}
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", disposition))
	if sum, err := hex.DecodeString(strings.TrimPrefix(about.Digest, "sha256:")); err == nil {
		h.Set("Repr-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(sum)+":") // RFC 9530
	}
	if n, err := io.Copy(w, body); err != nil && r.Context().Err() == nil {
		a.Log.Error().Str("route", r.Pattern).Int64("given", n).Err(err).Msg("an attachment ended early")
	}
	return nil
}
