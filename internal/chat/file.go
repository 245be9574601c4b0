// SPDX-License-Identifier: Apache-2.0

package chat

import (
	"context"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// FileLifetime is how long a file waits to be uploaded, and then to be shared. After that it is removed, as is a file of which all
// messages were deleted.
const FileLifetime = 24 * time.Hour

// The defaults of what files may take.
const (
	DefaultMaxFileSize = 64 << 20
	DefaultFileQuota   = 1 << 30
)

// FileState is how far a file has come. The numbers are stored.
type FileState uint8

// The states of a file.
const (
	FileExpected  FileState = iota // its owner may upload it
	FileUploaded                   // its bytes are kept
	FileCondemned                  // its bytes are being removed: nobody sees it any more
)

// FileMeta is a file: what is known beside its bytes.
type FileMeta struct {
	ID            ID
	Owner         UserID
	Name          string
	Type          string // media type: the declared one, by the content once it was uploaded
	Size          int64
	Width, Height int // of a picture; else 0
	Thumbnail     bool
	State         FileState
	At            Time // of the latest state
}

// Expires is when the file is removed unless it gets on.
func (f *FileMeta) Expires() Time { return f.At.Add(FileLifetime) }

// SharedFile is a file as the message says it that shares it.
type SharedFile struct {
	FileID    string `json:"file_id"`
	Name      string `json:"name"`
	Type      string `json:"mime"`
	Size      int64  `json:"size"`
	Width     int    `json:"width,omitempty"`
	Height    int    `json:"height,omitempty"`
	Thumbnail bool   `json:"thumbnail,omitempty"`
}

// Uploaded is the outcome of BeginUpload and FinishUpload.
type Uploaded struct {
	Repeat
	File FileMeta `json:"file"`
}

// NewFile is a file that somebody wants to upload.
type NewFile struct {
	Name string // passed validation and filter; a path before it and what file systems refuse is taken out
	Type string // as its owner says
	Size int64
}

// maxTypeLength bounds a declared media type, in bytes.
const maxTypeLength = 127

// BeginUpload makes place for a file of the caller, who may write in room.
func (s *Service) BeginUpload(call Call, room RoomID, n NewFile) *Pending[Uploaded] {
	switch {
	case n.Size < 1:
		return refused[Uploaded](Refuse(BadRequest, "size: must be a number of bytes, at least 1"))
	case n.Size > s.limit.MaxFileSize:
		return refused[Uploaded](Refuse(TooLarge, "size: a file may have %d bytes", s.limit.MaxFileSize))
	case len(n.Type) > maxTypeLength || strings.ContainsFunc(n.Type, func(r rune) bool { return r < ' ' || r >= 0x7f }):
		return refused[Uploaded](Refuse(BadRequest, "mime: is no media type, such as image/png"))
	}
	parts := []string{string(room), n.Name, n.Type, strconv.FormatInt(n.Size, 10)}
	return submit[Uploaded](s, call, inRoom(room), "upload", parts, func(tx Tx, u *User) (Uploaded, error) {
		if err := s.mayUpload(tx, u, room); err != nil {
			return Uploaded{}, err
		}
		used, err := tx.FileBytes(u.ID)
		if err != nil {
			return Uploaded{}, err
		}
		if s.limit.FileQuota > 0 && used+n.Size > s.limit.FileQuota {
			return Uploaded{}, Refuse(TooLarge, "size: your files have %d of the %d bytes that they may have together; delete messages with files first",
				used, s.limit.FileQuota)
		}
		f := FileMeta{ID: s.newID(), Owner: u.ID, Name: CleanFileName(n.Name), Type: n.Type, Size: n.Size, At: tx.Now()}
		return Uploaded{File: f}, tx.CreateFile(&f)
	})
}

// mayUpload refuses who may not write in a room. A slow mode is about messages only.
func (s *Service) mayUpload(tx Tx, u *User, room RoomID) error {
	r, err := tx.Room(room)
	if err != nil {
		return err
	}
	m, err := s.memberOf(tx, r, room, u.ID, tx.Now())
	if err != nil {
		return err
	}
	if err := s.mayWriteIn(tx, r, u.ID); err != nil {
		return err
	}
	unhurried := *r
	unhurried.SlowMode = 0
	return mayPost(&unhurried, m, u, tx.Now())
}

// FileContent is what a file was found to be once its bytes were there.
type FileContent struct {
	Type          string
	Size          int64 // bytes that are kept: of a picture those without what was about it; 0 as announced
	Width, Height int
	Thumbnail     bool
}

// FinishUpload says that the bytes of a file of the caller's are kept durably. Again changes nothing. room is where a client_msg_id
// counts; it may be empty.
func (s *Service) FinishUpload(call Call, room RoomID, id ID, c FileContent) *Pending[Uploaded] {
	in := scope{}
	if room != "" {
		in = inRoom(room)
	}
	return submit[Uploaded](s, call, in, "uploaded", []string{id.String()}, func(tx Tx, u *User) (Uploaded, error) {
		f, err := ownFile(tx, u, id)
		if err != nil || f.State == FileUploaded {
			return Uploaded{File: f}, err
		}
		f.State, f.At = FileUploaded, tx.Now()
		f.Type, f.Width, f.Height, f.Thumbnail = c.Type, c.Width, c.Height, c.Thumbnail
		if c.Size > 0 {
			f.Size = c.Size
		}
		return Uploaded{File: f}, tx.UpdateFile(&f)
	})
}

func noFile() *Error { return Refuse(NotFound, "file_id: there is no file that you can see") }

// ownFile finds a file of the caller's.
func ownFile(tx Tx, u *User, id ID) (FileMeta, error) {
	f, err := tx.File(id)
	if err != nil {
		return FileMeta{}, err
	}
	if f == nil || f.Owner != u.ID || f.State == FileCondemned {
		return FileMeta{}, noFile()
	}
	return *f, nil
}

// ShareFile posts a message with a file that the caller has uploaded. m.Content may be empty.
func (s *Service) ShareFile(call Call, room RoomID, id ID, m NewMessage) *Pending[Sent] {
	parts := append(m.digestParts(string(room)), id.String())
	return submit[Sent](s, call, inRoom(room), "share", parts, func(tx Tx, u *User) (Sent, error) {
		f, err := ownFile(tx, u, id)
		if err != nil {
			return Sent{}, err
		}
		if f.State != FileUploaded {
			return Sent{}, Refuse(Conflict, "file_id: the file has not been uploaded yet; send it to its upload_url first")
		}
		m.Kind = File
		if f.Width > 0 {
			m.Kind = Image
		}
		m.file = &SharedFile{FileID: id.String(), Name: f.Name, Type: f.Type, Size: f.Size, Width: f.Width, Height: f.Height, Thumbnail: f.Thumbnail}
		r, err := tx.Room(room)
		if err != nil {
			return Sent{}, err
		}
		sent, err := s.post(tx, u, r, room, call, m, ID{})
		if err != nil {
			return Sent{}, err
		}
		return sent, tx.ShareFile(id, r, sent.Seq)
	})
}

// withFile are details of a new message with a file.
func withFile(d *Details, f *SharedFile) *Details {
	if d == nil {
		d = &Details{}
	}
	d.File = f
	return d
}

// FileShare is the latest message in a room, not deleted, that shares a file.
type FileShare struct {
	Room   Room
	Member Member
	Seq    uint64
}

// FileFor finds a file whose bytes are kept, for somebody who may have them: who uploaded it, and who can see a message that shares
// it.
func (s *Service) FileFor(ctx context.Context, who Principal, id ID) (*FileMeta, error) {
	f, err := s.store.ReadFile(ctx, id)
	if err != nil {
		return nil, err
	}
	if f == nil || f.State != FileUploaded {
		return nil, noFile()
	}
	if f.Owner == who.UserID {
		return f, nil
	}
	shares, err := s.store.FileShares(ctx, id, who.UserID)
	if err != nil {
		return nil, err
	}
	for i := range shares {
		if at := &shares[i]; !at.Room.Deleted && at.Seq >= at.Room.FirstVisible(at.Member.JoinedSeq) {
			return f, nil
		}
	}
	return nil, noFile()
}

// ExpectedFile finds a file of owner's that is to be uploaded, or was.
func (s *Service) ExpectedFile(ctx context.Context, owner UserID, id ID) (*FileMeta, error) {
	f, err := s.store.ReadFile(ctx, id)
	if err != nil {
		return nil, err
	}
	if f == nil || f.Owner != owner || f.State == FileCondemned {
		return nil, noFile()
	}
	return f, nil
}

// LooseFiles lists files that nobody can see in a message and whose time is over, condemned ones among them.
func (s *Service) LooseFiles(ctx context.Context, limit int) ([]ID, error) {
	return s.store.LooseFiles(ctx, s.now().Add(-FileLifetime), limit)
}

// Condemned is the outcome of CondemnFile and ForgetFile.
type Condemned struct {
	Repeat
	Loose bool `json:"loose"` // its bytes may be removed
}

// CondemnFile takes a file away, if no message shares it, so that its bytes can be removed: then ForgetFile. early does it before
// the file's time is over.
func (s *Service) CondemnFile(id ID, early bool) *Pending[Condemned] {
	return administer[Condemned](s, func(tx Tx, _ *User) (Condemned, error) {
		f, err := tx.File(id)
		if err != nil || f == nil {
			return Condemned{}, err
		}
		if f.State == FileCondemned {
			return Condemned{Loose: true}, nil
		}
		if !early && f.Expires() > tx.Now() {
			return Condemned{}, nil
		}
		shared, err := tx.FileShared(id)
		if err != nil || shared {
			return Condemned{}, err
		}
		condemned := *f
		condemned.State, condemned.At = FileCondemned, min(f.At, tx.Now().Add(-FileLifetime)) // its time is over, and stays so
		return Condemned{Loose: true}, tx.UpdateFile(&condemned)
	})
}

// ForgetFile forgets a condemned file whose bytes were removed.
func (s *Service) ForgetFile(id ID) *Pending[Condemned] {
	return administer[Condemned](s, func(tx Tx, _ *User) (Condemned, error) {
		f, err := tx.File(id)
		if err != nil || f == nil || f.State != FileCondemned {
			return Condemned{}, err
		}
		return Condemned{Loose: true}, tx.RemoveFile(id)
	})
}

// maxFileName bounds a file's name in characters, its ending included.
const maxFileName = 100

// CleanFileName makes a name that any system can save a file under: without a path, control characters, leading dots, and what
// Windows refuses. It is never empty.
func CleanFileName(name string) string {
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	name = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
			return -1
		case strings.ContainsRune(`<>:"|?*`, r), r == unicode.ReplacementChar:
			return '_'
		case unicode.IsSpace(r):
			return ' '
		}
		return r
	}, name)
	name = strings.TrimRight(strings.TrimLeft(strings.TrimSpace(name), ". "), ". ")
	if runes := []rune(name); len(runes) > maxFileName {
		name = string(runes[:maxFileName])
	}
	if name == "" {
		return "file"
	}
	base, _, _ := strings.Cut(strings.ToUpper(name), ".")
	switch base {
	case "CON", "PRN", "AUX", "NUL", "COM1", "COM2", "COM3", "COM4", "COM5", "COM6", "COM7", "COM8", "COM9",
		"LPT1", "LPT2", "LPT3", "LPT4", "LPT5", "LPT6", "LPT7", "LPT8", "LPT9":
		return "_" + name
	}
	return name
}
