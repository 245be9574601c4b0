// SPDX-License-Identifier: Apache-2.0

package wire

import "parley/internal/chat"

// CreateHook is the payload of rooms/{room_id}/hooks/create.
type CreateHook struct {
	Envelope
	Name string `json:"name" doc:"what its messages are shown under, one line" min:"1" max:"100" example:"Builds"`
	TTL  int64  `json:"ttl,omitempty" doc:"seconds that it is valid" min:"1" default:"31536000"`
}

// Texts implements Payload.
func (p *CreateHook) Texts() []Text { return []Text{{Field: "name", Value: &p.Name, Form: Name}} }

// DeleteHook is the payload of rooms/{room_id}/hooks/delete.
type DeleteHook struct {
	Envelope
	noTexts
	HookID string `json:"hook_id" doc:"which one" example:"KGT5ZV4IWXLBJYD2Q6SNE7MPHA"`
}

// HookData is an incoming webhook as moderators see it.
type HookData struct {
	HookID    string      `json:"hook_id" doc:"names it for deleting" example:"KGT5ZV4IWXLBJYD2Q6SNE7MPHA"`
	Name      string      `json:"name" doc:"what its messages are shown under" example:"Builds"`
	UserID    chat.UserID `json:"user_id" doc:"who made it, and whose its messages are"`
	CreatedAt Timestamp   `json:"created_at" doc:"when it was made"`
	Expires   Timestamp   `json:"expires" doc:"when it does"`
}

// HookDataOf shows a hook.
func HookDataOf(t *chat.Token) HookData {
	return HookData{HookID: t.ID, Name: t.Name, UserID: t.User, CreatedAt: Timestamp(t.CreatedAt), Expires: Timestamp(t.Expires)}
}

// HookCreated answers rooms/{room_id}/hooks/create.
type HookCreated struct {
	Reply
	RoomID chat.RoomID `json:"room_id"`
	Hook   HookData    `json:"hook" doc:"what was made"`
	Path   string      `json:"path" doc:"where to post to, of the HTTP door; shown only now, and a permission by itself" example:"/api/v1/hooks/eyJhbGciOi…/general"`
}

// Hooks answers rooms/{room_id}/hooks/list.
type Hooks struct {
	Reply
	RoomID chat.RoomID `json:"room_id"`
	Hooks  []HookData  `json:"hooks" doc:"in force, the oldest first"`
}

// HooksOf shows hooks.
func HooksOf(room chat.RoomID, list []chat.Token) *Hooks {
	out := &Hooks{Reply: Reply{Status: "success"}, RoomID: room, Hooks: make([]HookData, len(list))}
	for i := range list {
		out.Hooks[i] = HookDataOf(&list[i])
	}
	return out
}

// About implements About.
func (h *Hooks) About() []chat.RoomID { return []chat.RoomID{h.RoomID} }

// HookDeleted answers rooms/{room_id}/hooks/delete.
type HookDeleted struct {
	Reply
	RoomID chat.RoomID `json:"room_id"`
	HookID string      `json:"hook_id" doc:"which one" example:"KGT5ZV4IWXLBJYD2Q6SNE7MPHA"`
}
