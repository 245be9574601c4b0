// SPDX-License-Identifier: Apache-2.0

package chat

// What account_moderated says in its Details.Action, beside ban, unban, mute and unmute.
const (
	ActionCredentials = "credentials_revoked" // the password changed or tokens were revoked: live connections end
	ActionRole        = "role_changed"
	ActionErase       = "erased"
	ActionSession     = "session_revoked" // one token was revoked: the live connections that it opened end
)

// NewUser is an account to be made.
type NewUser struct {
	ID           UserID
	DisplayName  string
	Role         ServerRole // RoleUser when empty
	PasswordHash string     // empty: tokens only
}

// Account is the outcome of a change to an account.
type Account struct {
	Repeat
	User User `json:"-"`
}

// check fills in what was left out, and refuses what cannot be.
func (n *NewUser) check() error {
	if n.Role == "" {
		n.Role = RoleUser
	}
	if n.DisplayName == "" {
		n.DisplayName = string(n.ID)
	}
	switch {
	case !ValidUserID(n.ID):
		return Refuse(BadRequest, "user_id: %q cannot be chosen; use a lower-case letter or digit, then up to 63 of a-z 0-9 . _ -, and no reserved word", string(n.ID))
	case n.Role != RoleUser && n.Role != RoleAdministrator:
		return Refuse(BadRequest, "role: must be user or administrator")
	}
	return nil
}

func errTaken(id UserID) error {
	return Refuse(Conflict, "user_id: %q is taken or was once; choose another", string(id))
}

// CreateUser makes an account, for the operator.
func (s *Service) CreateUser(n NewUser) *Pending[Account] {
	if err := n.check(); err != nil {
		return refused[Account](err)
	}
	return administer[Account](s, func(tx Tx, _ *User) (Account, error) {
		taken, err := tx.User(n.ID)
		if err != nil {
			return Account{}, err
		}
		if taken != nil {
			return Account{}, errTaken(n.ID)
		}
		return s.createUser(tx, n)
	})
}

// createUser makes an account whose name is free.
func (s *Service) createUser(tx Tx, n NewUser) (Account, error) {
	u := User{ID: n.ID, DisplayName: n.DisplayName, Role: n.Role, PasswordHash: n.PasswordHash, CreatedAt: tx.Now()}
	if err := tx.CreateUser(&u); err != nil {
		return Account{}, err
	}
	if u.Role == RoleAdministrator {
		err := audit(tx, Audited{Actor: SystemUser, Action: ActionRole, Target: u.ID, Role: string(u.Role)})
		return Account{User: u}, err
	}
	return Account{User: u}, nil
}

// changeUser changes an account and tells it, in its own log, what happened.
func (s *Service) changeUser(id UserID, d Details, alter func(tx Tx, u *User) error) *Pending[Account] {
	return administer[Account](s, func(tx Tx, _ *User) (Account, error) {
		return s.alterUser(tx, id, SystemUser, d, alter)
	})
}

func (s *Service) alterUser(tx Tx, id, actor UserID, d Details, alter func(tx Tx, u *User) error) (Account, error) {
	u, err := s.existing(tx, id)
	if err != nil {
		return Account{}, err
	}
	changed := *u
	if err := alter(tx, &changed); err != nil {
		return Account{}, err
	}
	if err := tx.UpdateUser(&changed); err != nil {
		return Account{}, err
	}
	if d.Action == ActionCredentials || d.Action == ActionErase {
		if err := forgetPushes(tx, id); err != nil {
			return Account{}, err
		}
	}
	if d.Action == ActionErase {
		if err := tx.SetQuietHours(id, nil); err != nil {
			return Account{}, err
		}
	}
	d.UserID = id
	e := &Event{Kind: AccountModerated, Actor: actor, Details: &d}
	if actor != id || d.Action == ActionRole { // what else people do to their own accounts governs nobody
		if err := audit(tx, auditOf(nil, e)); err != nil {
			return Account{}, err
		}
	}
	return Account{User: changed}, s.tell(tx, id, e)
}

// revoke makes all tokens of u void. The generation is one that no token was given before, even where the data was rewound
// to a backup.
func revoke(tx Tx, u *User) error {
	u.Generation = max(u.Generation+1, int64(tx.Now()))
	return tx.ForgetTokens(u.ID)
}

// SetPassword replaces an account's password ("" leaves tokens only): older tokens are void, live connections end.
func (s *Service) SetPassword(id UserID, hash string) *Pending[Account] {
	return s.changeUser(id, Details{Action: ActionCredentials}, func(tx Tx, u *User) error {
		u.PasswordHash = hash
		return revoke(tx, u)
	})
}

// SetRole makes an account an administrator, or a user again, for the operator. The last administrator stays one, see ChooseRole.
func (s *Service) SetRole(id UserID, role ServerRole) *Pending[Account] {
	if role != RoleUser && role != RoleAdministrator {
		return refused[Account](Refuse(BadRequest, "role: must be user or administrator"))
	}
	return administer[Account](s, func(tx Tx, _ *User) (Account, error) {
		u, err := s.existing(tx, id)
		if err != nil {
			return Account{}, err
		}
		if u.Role == role {
			return Account{User: *u}, nil
		}
		return s.giveServerRole(tx, u, SystemUser, role, "")
	})
}

// giveServerRole makes an administrator of a user, or the other way round.
func (s *Service) giveServerRole(tx Tx, u *User, actor UserID, role ServerRole, reason string) (Account, error) {
	sanction := ""
	switch {
	case role == RoleUser:
		if err := leavesAdministrator(tx, u.ID); err != nil {
			return Account{}, err
		}
	case u.BannedAt(tx.Now()):
		sanction = "ban"
	case u.MutedAt(tx.Now()):
		sanction = "mute"
	}
	if sanction != "" { // nobody could lift it of an administrator
		return Account{}, Refuse(Conflict, "user_id: %q has a %s on this server; lift it first", string(u.ID), sanction)
	}
	return s.alterUser(tx, u.ID, actor, Details{Action: ActionRole, Role: string(role), Reason: reason}, func(_ Tx, u *User) error {
		u.Role = role
		return nil
	})
}

// RemoveUser erases an account, but for the last administrator's: it leaves its rooms, its credentials are void, its name stays taken. What it wrote stays
// in the logs, with ErasedName for the sender's.
func (s *Service) RemoveUser(id UserID) *Pending[Account] {
	return s.changeUser(id, Details{Action: ActionErase}, s.erase)
}

// ChooseRole makes an account an administrator (promote), or a user again (demote), for an administrator: the last one cannot
// be demoted. What is asked of who has the role already changes nothing.
func (s *Service) ChooseRole(call Call, id UserID, act Moderation) *Pending[Acted] {
	role := RoleUser
	if act.Action == ActionPromote {
		role = RoleAdministrator
	}
	parts := []string{act.Action, string(id), act.Reason}
	return submit[Acted](s, call, scope{}, "choose role", parts, func(tx Tx, u *User) (Acted, error) {
		if u.Role != RoleAdministrator {
			return Acted{}, Refuse(Forbidden, "only administrators do that")
		}
		target, err := s.existing(tx, id)
		if err != nil {
			return Acted{}, err
		}
		out := Acted{User: id, Action: act.Action}
		if target.Role == role {
			return out, nil
		}
		_, err = s.giveServerRole(tx, target, u.ID, role, act.Reason)
		return out, err
	})
}

// leavesAdministrator refuses what would leave the server without anybody to govern it.
func leavesAdministrator(tx Tx, without UserID) error {
	other, err := tx.OtherAdministrator(without)
	if err == nil && !other {
		err = Refuse(Conflict, "%q is the last administrator; make another one first", string(without))
	}
	return err
}

// ModerateUser bans, unbans, mutes or unmutes an account on the whole server. Administrators may, but not each other.
func (s *Service) ModerateUser(call Call, id UserID, act Moderation) *Pending[Acted] {
	act.User = id
	if err := act.check(); err != nil {
		return refused[Acted](err)
	}
	parts := []string{act.Action, string(id), act.Duration.String(), act.Reason}
	return submit[Acted](s, call, scope{}, "moderate user", parts, func(tx Tx, u *User) (Acted, error) {
		if u.Role != RoleAdministrator {
			return Acted{}, Refuse(Forbidden, "only administrators do that")
		}
		target, err := s.existing(tx, id)
		if err != nil {
			return Acted{}, err
		}
		if target.Role == RoleAdministrator {
			return Acted{}, Refuse(Forbidden, "user_id: %q is an administrator; take that role away first", string(id))
		}
		out := Acted{User: id, Action: act.Action}
		if act.Action == ActionUnban && !target.BannedAt(tx.Now()) || act.Action == ActionUnmute && !target.MutedAt(tx.Now()) {
			return out, nil
		}
		d := Details{Action: act.Action, Reason: act.Reason}
		if act.Action == ActionBan || act.Action == ActionMute {
			out.Until = act.until(tx.Now())
			d.Until = out.Until
		}
		_, err = s.alterUser(tx, id, u.ID, d, func(_ Tx, t *User) error {
			switch act.Action {
			case ActionBan, ActionUnban:
				t.BannedUntil, t.BanReason = out.Until, act.Reason
			case ActionMute, ActionUnmute:
				t.MutedUntil = out.Until
			default:
				return Refuse(BadRequest, "action: must be ban, unban, mute or unmute")
			}
			return nil
		})
		return out, err
	})
}
