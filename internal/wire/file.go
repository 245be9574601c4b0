// SPDX-License-Identifier: Apache-2.0

package wire

import "parley/internal/chat"

// UploadFile is the payload of file/upload/{room_id}.
type UploadFile struct {
	Envelope
	Name string `json:"name" doc:"of the file, one line without a path" min:"1" max:"100" example:"view.png"`
	Mime string `json:"mime,omitempty" doc:"what the file is; counts where its content says nothing" example:"image/png"`
	Size int64  `json:"size,omitempty" doc:"bytes; without data it is needed" min:"1" example:"48213"`
	Data []byte `json:"data,omitempty" doc:"the whole file, at most 256 KiB"`
}

// Texts implements Payload.
func (p *UploadFile) Texts() []Text {
	return []Text{{Field: "name", Value: &p.Name, Form: Name}}
}

// ShareFile is the payload of file/share/{room_id}.
type ShareFile struct {
	Envelope
	FileID  string `json:"file_id"`
	Content string `json:"content,omitempty" doc:"a text that goes with it" max:"4000" example:"the view"`
	ReplyTo string `json:"reply_to,omitempty" is:"MessageID" doc:"a message of the same room that this one answers"`
	flag    chat.Flag
}

// Texts implements Payload.
func (p *ShareFile) Texts() []Text {
	return []Text{{Field: "content", Value: &p.Content, Form: Body, Optional: true}}
}

// Flag implements Flagged.
func (p *ShareFile) Flag(f chat.Flag) { p.flag = f }

// Flagged tells what Flag was called with.
func (p *ShareFile) Flagged() chat.Flag { return p.flag }

// Upload answers file/upload/{room_id}, and the upload itself: with a URL and its end where the file is still to come, else with
// what the file was found to be.
type Upload struct {
	Reply
	FileID    string     `json:"file_id"`
	UploadURL string     `json:"upload_url,omitempty" doc:"where to PUT the bytes to: a path of this server, valid for this one file" example:"/api/v1/upload/TICKET"`
	Expires   *Timestamp `json:"expires,omitempty" doc:"until when" example:"1795445334.183"`
	File      *FileData  `json:"file,omitempty" doc:"what the file was found to be, once it is there"`
}

// FileData is a file as messages show it.
type FileData struct {
	FileID    string `json:"file_id"`
	Name      string `json:"name" doc:"one line without a path" example:"view.png"`
	Mime      string `json:"mime" doc:"what it is, as its content says" example:"image/png"`
	Size      int64  `json:"size" doc:"bytes" example:"48213"`
	Width     int    `json:"width,omitzero" doc:"of a picture, in pixels" example:"640"`
	Height    int    `json:"height,omitzero" doc:"of a picture, in pixels" example:"480"`
	Thumbnail string `json:"thumbnail,omitempty" doc:"path of a small JPEG of a picture" example:"/api/v1/files/01a203bc-1e02-7d19-9c3a-6b1f5e0a7c88/thumbnail"`
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
