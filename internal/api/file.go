// SPDX-License-Identifier: Apache-2.0

package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"parley/internal/auth"
	"parley/internal/blob"
	"parley/internal/chat"
	"parley/internal/picture"
	"parley/internal/topic"
	"parley/internal/wire"
)

// MaxInlineFile bounds the files that come within a request, in bytes.
const MaxInlineFile = 256 << 10

// UploadPath is where files are uploaded over HTTP; a ticket follows.
const UploadPath = "/api/v1/upload/"

const (
	// inlinePatience bounds how long an inline file may take to be kept.
	inlinePatience = time.Minute
	// concurrentInline bounds the inline files that are being kept: each waits for the disk a few times.
	concurrentInline = 4
	// collected bounds how many files Collect looks at in one go.
	collected = 500
)

// Files keeps the bytes of files and what is known of them together. Its methods are safe for concurrent use.
type Files struct {
	service   *chat.Service
	blobs     *blob.Dir
	tickets   *auth.Tickets
	inspector *picture.Inspector
	inline    chan struct{}
}

// NewFiles makes Files of a service and of where the bytes are.
func NewFiles(service *chat.Service, blobs *blob.Dir, tickets *auth.Tickets) *Files {
	return &Files{service: service, blobs: blobs, tickets: tickets, inspector: picture.NewInspector(), inline: make(chan struct{}, concurrentInline)}
}

// UploadURL is where a file is to be sent, as a path of the HTTP door.
func (f *Files) UploadURL(m *chat.FileMeta) string {
	return UploadPath + f.tickets.Sign(auth.Ticket{File: m.ID, Owner: m.Owner, Size: m.Size, Expires: expiry(m)})
}

func expiry(m *chat.FileMeta) time.Time { return time.UnixMilli(int64(m.Expires())) }

// Expected finds the file that a ticket permits to upload. Its Size is the one announced, also where fewer bytes are kept.
func (f *Files) Expected(ctx context.Context, ticket string) (*chat.FileMeta, error) {
	k, err := f.tickets.Verify(ticket)
	if err != nil {
		return nil, err
	}
	m, err := f.service.ExpectedFile(ctx, k.Owner, k.File)
	if err != nil {
		return nil, err
	}
	m.Size = k.Size
	return m, nil
}

// Received tells how many bytes of a file are there. Where all of them are, but a crash kept that from being noted, it is noted.
func (f *Files) Received(ctx context.Context, m *chat.FileMeta) (int64, error) {
	if m.State == chat.FileUploaded {
		return m.Size, nil
	}
	n, whole, err := f.blobs.Size(m.ID)
	if err == nil && (whole || n == m.Size) {
		n = m.Size
		_, err = f.Finish(ctx, owner(m), "", m)
	}
	return n, err
}

// owner is who a ticket stands for.
func owner(m *chat.FileMeta) chat.Call { return chat.Call{Principal: chat.Principal{UserID: m.Owner}} }

// Put takes all bytes of a file and finishes it. The same ones once more are a repeat, others a Conflict. n is how many are kept,
// also where the body ends early, with an error that is io.ErrUnexpectedEOF.
func (f *Files) Put(ctx context.Context, m *chat.FileMeta, body io.Reader) (v chat.Uploaded, n int64, err error) {
	n, err = f.receive(m, true, 0, body)
	switch {
	case err == nil:
		v, err = f.Finish(ctx, owner(m), "", m)
	case errors.Is(err, blob.ErrWhole):
		v, err = f.repeat(ctx, m, body)
	}
	return v, n, err
}

// repeat answers who sends a file that is whole.
func (f *Files) repeat(ctx context.Context, m *chat.FileMeta, body io.Reader) (v chat.Uploaded, err error) {
	if _, err := f.Received(ctx, m); err != nil { // a crash may have kept it from being noted
		return v, err
	}
	kept, err := f.service.ExpectedFile(ctx, m.Owner, m.ID)
	if err != nil {
		return v, err
	}
	v.File = *kept
	v.Duplicate, err = f.blobs.Same(m.ID, m.Size, body, stripping(kept.Type))
	if err == nil && !v.Duplicate {
		err = chat.Refuse(chat.Conflict, "the file is uploaded already, with other bytes; an upload URL is for one file")
	}
	return v, refusal(err)
}

// Patch takes bytes of a file after offset, finishes it with the last one, and tells how many there are then; that these are kept also
// where the body fails.
func (f *Files) Patch(ctx context.Context, m *chat.FileMeta, offset int64, body io.Reader) (n int64, err error) {
	n, err = f.receive(m, false, offset, body)
	switch {
	case errors.Is(err, blob.ErrWhole) && offset == m.Size: // a repeat of what has no bytes left to bring
		if k, _ := io.ReadFull(body, make([]byte, 1)); k > 0 {
			return n, tooLarge(m)
		}
		return f.Received(ctx, m)
	case errors.Is(err, blob.ErrWhole):
		return n, chat.Refuse(chat.Conflict, "Upload-Offset: the file is uploaded already, all %d bytes of it", m.Size)
	case errors.Is(err, io.ErrUnexpectedEOF): // a part
		return n, nil
	case err == nil:
		_, err = f.Finish(ctx, owner(m), "", m)
	}
	return n, err
}

func tooLarge(m *chat.FileMeta) *chat.Error {
	return chat.Refuse(chat.TooLarge, "the file has more than the %d bytes that were announced", m.Size)
}

// receive takes bytes of a file, all of them (whole) or those after offset, and tells how many there are then; that these are kept
// also where the body ends early, with an error that is io.ErrUnexpectedEOF. Where all were there before it is blob.ErrWhole.
func (f *Files) receive(m *chat.FileMeta, whole bool, offset int64, body io.Reader) (int64, error) {
	if m.State == chat.FileUploaded {
		return m.Size, blob.ErrWhole
	}
	n, err := f.blobs.Append(m.ID, offset, m.Size, whole, body)
	switch {
	case errors.Is(err, blob.ErrOffset):
		return n, chat.Refuse(chat.Conflict, "Upload-Offset: %d bytes are there; go on after them", n)
	case errors.Is(err, blob.ErrLarge):
		return n, tooLarge(m)
	}
	return n, refusal(err)
}

// refusal is what callers hear of a failure of the blobs.
func refusal(err error) error {
	switch {
	case errors.Is(err, blob.ErrFull):
		return fmt.Errorf("%w: %w", &chat.Error{Code: chat.Unavailable, Message: "the server has no space left for files; try again later"}, err)
	case errors.Is(err, blob.ErrBusy):
		return fmt.Errorf("%w: %w", &chat.Error{Code: chat.Conflict, Message: "another request is sending this file", RetryAfter: time.Second}, err)
	case errors.Is(err, blob.ErrNone), errors.Is(err, blob.ErrOffset):
		return fmt.Errorf("%w: %w", &chat.Error{Code: chat.NotFound, Message: "the file's bytes are not there"}, err)
	}
	return err
}

// Finish makes a file whose bytes are all there durable, finds out what it is, takes out of a picture what is about it, and notes it.
// It may be repeated. room is where a client_msg_id of call counts.
func (f *Files) Finish(ctx context.Context, call chat.Call, room chat.RoomID, m *chat.FileMeta) (chat.Uploaded, error) {
	if err := f.blobs.Finish(ctx, m.ID, m.Size); err != nil {
		return chat.Uploaded{}, refusal(err)
	}
	file, err := f.blobs.Open(m.ID)
	if err != nil {
		return chat.Uploaded{}, refusal(err)
	}
	defer file.Close()
	found, err := f.inspector.Inspect(file, m.Type)
	if err != nil {
		return chat.Uploaded{}, err
	}
	if found.Thumbnail != nil {
		if err := f.blobs.Attach(ctx, m.ID, found.Thumbnail); err != nil {
			return chat.Uploaded{}, refusal(err)
		}
	}
	if err := file.Close(); err != nil {
		return chat.Uploaded{}, err
	}
	size, err := f.blobs.Rewrite(ctx, m.ID, stripping(found.Type))
	if err != nil {
		return chat.Uploaded{}, refusal(err)
	}
	content := chat.FileContent{Type: found.Type, Size: size, Width: found.Width, Height: found.Height, Thumbnail: found.Thumbnail != nil}
	return f.service.FinishUpload(call, room, m.ID, content).Wait(ctx)
}

// stripping takes out of a picture what is about it.
func stripping(mediaType string) blob.Rewriter {
	return func(dst io.Writer, src io.ReadSeeker) (bool, error) {
		stripped, err := picture.Strip(dst, src, mediaType)
		if errors.Is(err, picture.ErrMalformed) { // no picture that anybody could show
			return false, nil
		}
		return stripped, err
	}
}

// Open opens a file for somebody who may have it, or its thumbnail. The caller closes it.
func (f *Files) Open(ctx context.Context, who chat.Principal, id chat.ID, thumbnail bool) (*chat.FileMeta, *os.File, error) {
	m, err := f.service.FileFor(ctx, who, id)
	if err != nil {
		return nil, nil, err
	}
	open := f.blobs.Open
	if thumbnail {
		if !m.Thumbnail {
			return nil, nil, chat.Refuse(chat.NotFound, "this file has no thumbnail")
		}
		open = f.blobs.OpenAttached
	}
	file, err := open(id)
	return m, file, refusal(err)
}

// Collect removes files that nobody can see in a message and whose time is over, and tells how many.
func (f *Files) Collect(ctx context.Context) (removed int, err error) {
	ids, err := f.service.LooseFiles(ctx, collected)
	if err != nil {
		return 0, err
	}
	var errs []error
	for _, id := range ids {
		gone, err := f.discard(ctx, id, false)
		if errs = append(errs, err); gone {
			removed++
		}
		if ctx.Err() != nil {
			break
		}
	}
	return removed, errors.Join(errs...)
}

// discard removes a file that no message shares. First nobody may see it any more, then its bytes go, then what is known of it: a
// crash in between leaves what the next Collect goes on with.
func (f *Files) discard(ctx context.Context, id chat.ID, early bool) (bool, error) {
	v, err := f.service.CondemnFile(id, early).Wait(ctx)
	if err != nil || !v.Loose {
		return false, err
	}
	if err := f.blobs.Remove(id); err != nil {
		if errors.Is(err, blob.ErrBusy) { // an upload that is still under way: the next time
			return false, nil
		}
		return false, err
	}
	_, err = f.service.ForgetFile(id).Wait(ctx)
	return err == nil, err
}

// Drop removes a file that its owner will not share after all, whether it is there or still to come.
func (f *Files) Drop(ctx context.Context, m *chat.FileMeta) error {
	if gone, err := f.discard(ctx, m.ID, true); gone || err != nil {
		return err
	}
	_, err := f.service.ExpectedFile(ctx, m.Owner, m.ID)
	switch {
	case err == nil:
		return chat.Refuse(chat.Conflict, "the file is in a message; delete the message instead")
	case chat.CodeOf(err) == chat.NotFound: // while another request is sending it, its bytes go with the next Collect
		return nil
	}
	return err
}

// Store keeps a file that came within a request.
func (f *Files) Store(ctx context.Context, call chat.Call, room chat.RoomID, n chat.NewFile, data []byte) (out chat.Uploaded, err error) {
	if call.ClientMsgID != "" || call.Origin != (chat.Origin{}) {
		// A repeat must not need place for a second copy.
		if done, err := f.service.FinishUpload(call, room, chat.ID{}, chat.FileContent{}).Wait(ctx); chat.CodeOf(err) != chat.NotFound {
			return done, err
		}
	}
	begun, err := f.service.BeginUpload(chat.Call{Principal: call.Principal}, room, n).Wait(ctx)
	if err != nil {
		return out, err
	}
	m := &begun.File
	defer func() {
		if out.File.ID != m.ID { // refused, failed, or a repeat that was faster
			_, dropped := f.discard(ctx, m.ID, true)
			if err != nil {
				err = errors.Join(err, dropped)
			}
		}
	}()
	if _, err := f.receive(m, true, 0, bytes.NewReader(data)); err != nil {
		return out, err
	}
	return f.Finish(ctx, call, room, m)
}

func (a *API) fileRoutes(chat *topic.Group[Caller]) {
	files := chat.Group("file")
	topic.Handle[wire.UploadFile, wire.Upload](files, "upload/{room_id}", a.uploadFile, topic.QoS(2),
		topic.Doc("Get a URL to upload a file to, or upload a small one at once"),
		answers("upload_ready uploaded", "members who may write, whatever the slow mode", "forbidden not_member banned muted not_found"))
	topic.Handle[wire.ShareFile, wire.MessageSent](files, "share/{room_id}", a.shareFile, topic.QoS(1), topic.Doc("Send a message with an uploaded file"),
		answers("message_sent", "who uploaded the file, where they may write", "forbidden not_member banned muted not_found"))
}

func noFiles() *chat.Error { return chat.Refuse(chat.Forbidden, "this server keeps no files") }

func (a *API) uploadFile(ctx context.Context, req *Request, in *wire.UploadFile) topic.Result {
	files := a.cfg.Files
	if files == nil {
		return topic.Done(nil, noFiles())
	}
	room, n := roomParam(req), chat.NewFile{Name: in.Name, Type: in.Mime, Size: in.Size}
	if in.Data == nil {
		return later(a.chat.BeginUpload(call(req, in), room, n), func(v chat.Uploaded) wire.Replier {
			end := wire.Timestamp(v.File.Expires())
			return &wire.Upload{Reply: status("upload_ready", v.Repeat), FileID: v.File.ID.String(), UploadURL: files.UploadURL(&v.File), Expires: &end}
		})
	}
	switch size := int64(len(in.Data)); {
	case size > MaxInlineFile:
		return topic.Done(nil, chat.Refuse(chat.TooLarge, "data: a file within a request may have %d bytes; leave data out to get a URL", MaxInlineFile))
	case n.Size != 0 && n.Size != size:
		return topic.Done(nil, chat.Refuse(chat.BadRequest, "size: data has %d bytes", size))
	default:
		n.Size = size
	}
	c := call(req, in)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), inlinePatience)
	promise := topic.NewPromise()
	go func() {
		defer cancel()
		files.inline <- struct{}{}
		defer func() { <-files.inline }()
		reply, err := safely(ctx, func(ctx context.Context) (wire.Replier, error) {
			v, err := files.Store(ctx, c, room, n, in.Data)
			if err != nil {
				return nil, err
			}
			return wire.UploadedOf(&v.File, v.Repeat), nil
		})
		if err != nil {
			promise.Resolve(nil, err)
			return
		}
		promise.Resolve(reply, nil)
	}()
	return topic.Later(promise)
}

func (a *API) shareFile(_ context.Context, req *Request, in *wire.ShareFile) topic.Result {
	id, err := idOf("file_id", in.FileID)
	if err != nil {
		return topic.Done(nil, err)
	}
	if id.IsZero() {
		return topic.Done(nil, chat.Refuse(chat.BadRequest, "file_id: is missing"))
	}
	replyTo, err := idOf("reply_to", in.ReplyTo)
	if err != nil {
		return topic.Done(nil, err)
	}
	m := chat.NewMessage{Content: in.Content, ReplyTo: replyTo, Flag: in.Flagged()}
	return later(a.chat.ShareFile(call(req, in), roomParam(req), id, m), sent("message_sent"))
}
