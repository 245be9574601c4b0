// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"

	"parley/internal/chat"
)

// maxBody bounds requests and answers: MaxImport accounts with the longest names and passwords.
const maxBody = 8 << 20

// The names of the operations on the socket, and what goes along. Handler and Client are written against these.
const (
	opAddUser     = "user/add"
	opImport      = "user/import"
	opUsers       = "user/list"
	opSetPassword = "user/password"
	opSetRole     = "user/role"
	opRemoveUser  = "user/remove"
	opTokens      = "token"
	opInvite      = "invite"
	opSetUp       = "setup"
	opBackup      = "backup"
)

type (
	importRequest struct {
		Users []NewUser `json:"users"`
	}
	importReply struct {
		Errors []*failure `json:"errors"`
	} // one for each account, null where it was made
	usersRequest struct {
		After chat.UserID `json:"after"`
	}
	usersReply struct {
		Users []User `json:"users"`
	}
	passwordRequest struct {
		ID       chat.UserID `json:"user_id"`
		Password string      `json:"password"`
	}
	roleRequest struct {
		ID   chat.UserID     `json:"user_id"`
		Role chat.ServerRole `json:"role"`
	}
	removeRequest struct {
		ID chat.UserID `json:"user_id"`
	}
	tokensRequest struct {
		IDs    []chat.UserID `json:"user_ids"`
		Name   string        `json:"name,omitempty"`
		Scopes []string      `json:"scopes,omitempty"`
		TTL    int64         `json:"ttl"` // seconds
	}
	tokensReply struct {
		Tokens []string `json:"tokens"`
	}
	inviteRequest struct {
		ID  chat.UserID `json:"user_id"`
		TTL int64       `json:"ttl"` // seconds
	}
	inviteReply struct {
		Invitation string `json:"invitation"`
	}
	setUpRequest struct {
		TTL int64 `json:"ttl"` // seconds
	}
	setUpReply struct {
		Setup string `json:"setup"`
	}
	backupRequest struct {
		Path string `json:"path"`
	}
	nothing struct{}

	// failure is a chat.Error in JSON.
	failure struct {
		Code    chat.Code `json:"code"`
		Message string    `json:"message"`
	}
	errorReply struct {
		Error *failure `json:"error"`
	}
)

func failureOf(err error) *failure {
	if err == nil {
		return nil
	}
	e := asRefusal(err)
	return &failure{Code: e.Code, Message: e.Message}
}

func (f *failure) err() error {
	if f == nil {
		return nil
	}
	return &chat.Error{Code: f.Code, Message: f.Message}
}

// Handler serves ops to Clients.
func Handler(ops Operations) http.Handler {
	mux := http.NewServeMux()
	handle(mux, opAddUser, ops.AddUser)
	handle(mux, opImport, func(ctx context.Context, in importRequest) (importReply, error) {
		faults, err := ops.Import(ctx, in.Users)
		out := importReply{Errors: make([]*failure, len(faults))}
		for i, fault := range faults {
			out.Errors[i] = failureOf(fault)
		}
		return out, err
	})
	handle(mux, opUsers, func(ctx context.Context, in usersRequest) (usersReply, error) {
		users, err := ops.Users(ctx, in.After)
		return usersReply{Users: users}, err
	})
	handle(mux, opSetPassword, func(ctx context.Context, in passwordRequest) (nothing, error) {
		return nothing{}, ops.SetPassword(ctx, in.ID, in.Password)
	})
	handle(mux, opSetRole, func(ctx context.Context, in roleRequest) (nothing, error) {
		return nothing{}, ops.SetRole(ctx, in.ID, in.Role)
	})
	handle(mux, opRemoveUser, func(ctx context.Context, in removeRequest) (nothing, error) {
		return nothing{}, ops.RemoveUser(ctx, in.ID)
	})
	handle(mux, opTokens, func(ctx context.Context, in tokensRequest) (tokensReply, error) {
		tokens, err := ops.Tokens(ctx, in.IDs, NewToken{Name: in.Name, Scopes: in.Scopes, TTL: time.Duration(in.TTL) * time.Second})
		return tokensReply{Tokens: tokens}, err
	})
	handle(mux, opInvite, func(ctx context.Context, in inviteRequest) (inviteReply, error) {
		invitation, err := ops.Invite(ctx, in.ID, time.Duration(in.TTL)*time.Second)
		return inviteReply{Invitation: invitation}, err
	})
	handle(mux, opSetUp, func(ctx context.Context, in setUpRequest) (setUpReply, error) {
		setup, err := ops.SetUp(ctx, time.Duration(in.TTL)*time.Second)
		return setUpReply{Setup: setup}, err
	})
	handle(mux, opBackup, func(ctx context.Context, in backupRequest) (nothing, error) {
		return nothing{}, ops.Backup(ctx, in.Path)
	})
	return mux
}

// handle puts one operation on the mux.
func handle[In, Out any](mux *http.ServeMux, name string, do func(context.Context, In) (Out, error)) {
	mux.HandleFunc("POST /v1/"+name, func(w http.ResponseWriter, r *http.Request) {
		var in In
		err := json.UnmarshalRead(http.MaxBytesReader(w, r.Body, maxBody), &in, json.RejectUnknownMembers(true))
		if err != nil {
			// The decoder's own words may quote a password.
			text := "the request is not what this operation takes; is the command of another version than the server?"
			if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
				text = fmt.Sprintf("the request is larger than %d bytes", maxBody)
			}
			reply(w, http.StatusBadRequest, errorReply{Error: &failure{Code: chat.BadRequest, Message: text}})
			return
		}
		out, err := do(r.Context(), in)
		if err != nil {
			reply(w, http.StatusUnprocessableEntity, errorReply{Error: failureOf(err)})
			return
		}
		reply(w, http.StatusOK, out)
	})
}

func reply(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(text) // a command that has gone away needs no answer
}
