// SPDX-License-Identifier: Apache-2.0

package wire

import "parley/internal/chat"

// UploadFile is the payload of file/upload/{room_id}.
type UploadFile struct {
	Envelope
	Name string `json:"name"`
	Mime string `json:"mime,omitempty"`
	Size int64  `json:"size,omitempty"` // bytes
	Data []byte `json:"data,omitempty"` // the whole file, in base64
}

// Texts implements Payload.
func (p *UploadFile) Texts() []Text {
	return []Text{{Field: "name", Value: &p.Name, Form: Name}}
}

// ShareFile is the payload of file/share/{room_id}.
type ShareFile struct {
	Envelope
	FileID  string `json:"file_id"`
	Content string `json:"content,omitempty"`
	ReplyTo string `json:"reply_to,omitempty"`
	flagged bool
}

// Texts implements Payload.
func (p *ShareFile) Texts() []Text {
	return []Text{{Field: "content", Value: &p.Content, Form: Body, Optional: true}}
}

// Flag implements Flagged.
func (p *ShareFile) Flag() { p.flagged = true }

// IsFlagged tells whether Flag was called.
func (p *ShareFile) IsFlagged() bool { return p.flagged }

// Upload answers file/upload/{room_id}, and the upload itself: with a URL and its end where the file is still to come, else with
// what the file was found to be.
type Upload struct {
	Reply
	FileID    string     `json:"file_id"`
	UploadURL string     `json:"upload_url,omitempty"`
	Expires   *Timestamp `json:"expires,omitempty"`
	File      *FileData  `json:"file,omitempty"`
}

// FileData is a file as messages show it.
type FileData struct {
	FileID    string `json:"file_id"`
	Name      string `json:"name"`
	Mime      string `json:"mime"`
	Size      int64  `json:"size"`
	Width     int    `json:"width,omitzero"`
	Height    int    `json:"height,omitzero"`
	Thumbnail string `json:"thumbnail,omitempty"` // its path
}

// UploadedOf answers with a file that is there.
func UploadedOf(f *chat.FileMeta, r chat.Repeat) *Upload {
	d := &FileData{FileID: f.ID.String(), Name: f.Name, Mime: f.Type, Size: f.Size, Width: f.Width, Height: f.Height}
	if f.Thumbnail {
		d.Thumbnail = thumbnailPath(d.FileID)
	}
	return &Upload{Reply: Reply{Status: "uploaded", Duplicate: r.Duplicate}, FileID: d.FileID, File: d}
}

func thumbnailPath(id string) string { return "/api/v1/files/" + id + "/thumbnail" }

// file is the file that a message shares.
func (o *object) file(d *chat.Details) {
	if d == nil || d.File == nil {
		return
	}
	f := d.File
	o.key("file")
	o.b = append(o.b, '{')
	o.string("file_id", f.FileID)
	o.string("name", f.Name)
	o.string("mime", f.Type)
	o.uint("size", uint64(f.Size))
	if f.Width > 0 {
		o.uint("width", uint64(f.Width))
		o.uint("height", uint64(f.Height))
	}
	if f.Thumbnail {
		o.string("thumbnail", thumbnailPath(f.FileID))
	}
	o.b = append(o.b, '}')
}
