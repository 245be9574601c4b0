// SPDX-License-Identifier: Apache-2.0

package chat

import "context"

// ErasedName is what stands for the name of an erased account beside what it wrote.
const ErasedName = "deleted user"

// MaxBlocks bounds how many accounts one account may block.
const MaxBlocks = 1000

// Events of a user's own log about what they did to their account: their other devices learn of it.
const (
	ProfileUpdated EventKind = "profile_updated" // ask users/me for the rest
	UserBlocked    EventKind = "user_blocked"
	UserUnblocked  EventKind = "user_unblocked"
)

// Account finds an account that exists.
func (s *Service) Account(ctx context.Context, id UserID) (*User, error) {
	u, err := s.store.ReadUser(ctx, id)
	if err != nil {
		return nil, err
	}
	if u == nil || u.Deleted {
		return nil, Refuse(NotFound, "there is no user %q", string(id))
	}
	return u, nil
}

// Blocks lists whom an account has blocked, by id.
func (s *Service) Blocks(ctx context.Context, id UserID) ([]UserID, error) {
	return s.store.Blocks(ctx, id)
}

// FindUsers lists accounts whose id or display name contains query (any case), by id, after after.
func (s *Service) FindUsers(ctx context.Context, query string, after UserID, limit int) ([]User, bool, error) {
	limit, err := pageSize(limit, s.limit.MaxListPage, s.limit.MaxListPage)
	if err != nil {
		return nil, false, err
	}
	users, err := s.store.Users(ctx, query, after, limit+1)
	if len(users) > limit {
		return users[:limit], true, err
	}
	return users, false, err
}

// Profile is the outcome of UpdateProfile.
type Profile struct {
	Repeat
	ID          UserID     `json:"user_id"`
	DisplayName string     `json:"display_name"`
	Role        ServerRole `json:"role"`
	CreatedAt   Time       `json:"created_at"`
}

// UpdateProfile changes what others see of the caller. Messages of before show the new name, too.
func (s *Service) UpdateProfile(call Call, displayName string) *Pending[Profile] {
	return submit[Profile](s, call, scope{}, "profile", []string{displayName}, func(tx Tx, u *User) (Profile, error) {
		out := Profile{ID: u.ID, DisplayName: displayName, Role: u.Role, CreatedAt: u.CreatedAt}
		if displayName == u.DisplayName {
			return out, nil
		}
		if err := maySpeak(nil, u, tx.Now()); err != nil {
			return Profile{}, err
		}
		changed := *u
		changed.DisplayName = displayName
		if err := tx.UpdateUser(&changed); err != nil {
			return Profile{}, err
		}
		return out, s.tell(tx, u.ID, &Event{Kind: ProfileUpdated, Actor: u.ID, Details: &Details{UserID: u.ID}})
	})
}

// PasswordChanged is the outcome of ChangePassword.
type PasswordChanged struct {
	Account
	Granted Granted
}

// ChangePassword replaces the caller's own password, as SetPassword does, and grants n in the place of the token replaced, so
// that who asked stays signed in. The caller has shown the present password; proved is the hash that it was compared with.
func (s *Service) ChangePassword(call Call, proved, hash string, n NewToken, replaced string) *Pending[PasswordChanged] {
	return submit[PasswordChanged](s, call, scope{}, "password", nil, func(tx Tx, u *User) (PasswordChanged, error) {
		if err := unchanged(u, proved); err != nil {
			return PasswordChanged{}, err
		}
		old, err := tx.Token(replaced)
		if err != nil {
			return PasswordChanged{}, err
		}
		if old != nil {
			n.Kind, n.Name = old.Kind, old.Name
		}
		changed, err := s.alterUser(tx, u.ID, u.ID, Details{Action: ActionCredentials}, func(tx Tx, u *User) error {
			u.PasswordHash = hash
			return revoke(tx, u)
		})
		if err != nil {
			return PasswordChanged{}, err
		}
		granted, err := s.grant(tx, &changed.User, n)
		return PasswordChanged{Account: changed, Granted: granted}, err
	})
}

// DeleteAccount erases the caller's own account, see RemoveUser. proved is as in ChangePassword.
func (s *Service) DeleteAccount(call Call, proved string) *Pending[Account] {
	return submit[Account](s, call, scope{}, "delete account", nil, func(tx Tx, u *User) (Account, error) {
		if err := unchanged(u, proved); err != nil {
			return Account{}, err
		}
		return s.alterUser(tx, u.ID, u.ID, Details{Action: ActionErase}, s.erase)
	})
}

// unchanged refuses what was proved with a password that was replaced meanwhile.
func unchanged(u *User, proved string) error {
	if proved == "" || u.PasswordHash != proved {
		return Refuse(Conflict, "password: was changed meanwhile; sign in again")
	}
	return nil
}

// erase takes an account out of its rooms and empties it. The last administrator stays.
func (s *Service) erase(tx Tx, u *User) error {
	if u.Role == RoleAdministrator {
		if err := leavesAdministrator(tx, u.ID); err != nil {
			return err
		}
	}
	rooms, err := tx.RoomsOfUser(u.ID)
	if err != nil {
		return err
	}
	u.Deleted, u.PasswordHash, u.DisplayName, u.BanReason = true, "", ErasedName, ""
	if err := revoke(tx, u); err != nil {
		return err
	}
	for _, room := range rooms {
		r, err := tx.Room(room)
		if err != nil {
			return err
		}
		if r == nil || r.Deleted || fixedMembership(r) != nil {
			continue
		}
		m, err := tx.Member(r, u.ID)
		if err != nil {
			return err
		}
		if m == nil {
			continue
		}
		if err := s.leave(tx, r, m, u); err != nil {
			return err
		}
	}
	return tx.ForgetBlocks(u.ID)
}

// Block is the outcome of blocking and unblocking.
type Block struct {
	Repeat
	User UserID `json:"user_id"`
}

// SetBlock ends private messages and invitations from another account, or allows them again. Rooms that both are in stay
// as they are.
func (s *Service) SetBlock(call Call, other UserID, blocked bool) *Pending[Block] {
	op, kind := "block", UserBlocked
	if !blocked {
		op, kind = "unblock", UserUnblocked
	}
	return submit[Block](s, call, scope{}, op, []string{string(other)}, func(tx Tx, u *User) (Block, error) {
		out := Block{User: other}
		if other == u.ID {
			return out, Refuse(BadRequest, "user_id: is yourself")
		}
		if _, err := s.existing(tx, other); err != nil {
			return out, err
		}
		now, err := tx.Blocked(u.ID, other)
		if err != nil || now == blocked {
			return out, err
		}
		if !blocked {
			err = tx.RemoveBlock(u.ID, other)
		} else {
			var n int
			if n, err = tx.CountBlocks(u.ID); err != nil {
				return out, err
			}
			if n >= MaxBlocks {
				return out, Refuse(TooLarge, "you have blocked %d accounts, which is the most; unblock some first", n)
			}
			err = tx.PutBlock(u.ID, other)
		}
		if err != nil {
			return out, err
		}
		return out, s.tell(tx, u.ID, &Event{Kind: kind, Actor: u.ID, Details: &Details{UserID: other}})
	})
}

// mayWrite refuses a private message between two of whom one has blocked the other.
func (s *Service) mayWrite(tx Tx, from, to UserID) error {
	b, err := tx.Blocked(to, from)
	if err != nil {
		return err
	}
	if b {
		return Refuse(Forbidden, "%q takes no private messages from you", string(to))
	}
	if b, err = tx.Blocked(from, to); err != nil {
		return err
	}
	if b {
		return Refuse(Forbidden, "you have blocked %q; unblock them first", string(to))
	}
	return nil
}

// mayWriteIn is mayWrite for a private conversation, of which the other one has to be there; any other room passes.
func (s *Service) mayWriteIn(tx Tx, r *Room, from UserID) error {
	a, b, ok := r.ID.DirectPeers()
	if r.Kind != DirectRoom || !ok {
		return nil
	}
	if a == from {
		a = b
	}
	if _, err := s.existing(tx, a); err != nil { // erased: nobody reads it
		return err
	}
	return s.mayWrite(tx, from, a)
}
