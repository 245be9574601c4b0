// SPDX-License-Identifier: Apache-2.0

package chat

import (
	"context"
	"strconv"
)

// ReportStatus says what became of a report.
type ReportStatus string

// The states of a report.
const (
	ReportOpen      ReportStatus = "open"
	ReportResolved  ReportStatus = "resolved"  // something was done about it
	ReportDismissed ReportStatus = "dismissed" // nothing had to be done
)

// Report is a message that a member has reported to the moderators, or the server itself (SystemUser).
type Report struct {
	Num       int64
	RoomID    RoomID
	MessageID ID
	Seq       uint64 // of the message
	Sender    UserID
	Content   string // as it was reported; forgotten when the report is closed
	Reporter  UserID
	Reason    string
	At        Time
	Status    ReportStatus
	ClosedBy  UserID
	ClosedAt  Time
}

// ReportQuery selects reports: of a room (0: all), in a state (empty: any), with numbers below Before (0: all).
type ReportQuery struct {
	Room   int64
	Status ReportStatus
	Before int64
	Limit  int
}

// Reported is the outcome of reporting a message.
type Reported struct {
	Repeat
	RoomID    RoomID `json:"room_id"`
	MessageID ID     `json:"message_id"`
}

// Report tells the moderators of a room, and administrators, of a message. Any member may, once while their report is open. Its
// text is kept as it was.
func (s *Service) Report(call Call, id ID, why string) *Pending[Reported] {
	return submit[Reported](s, call, ofMessage(id), "report", []string{id.String(), why}, func(tx Tx, u *User) (Reported, error) {
		at, err := s.findMessage(tx, u, id)
		if err != nil {
			return Reported{}, err
		}
		if at.message.Deleted {
			return Reported{}, gone()
		}
		if at.message.Actor == u.ID {
			return Reported{}, Refuse(BadRequest, "the message is your own; delete it instead")
		}
		out := Reported{RoomID: at.room.ID, MessageID: id}
		again, err := tx.HasReported(at.message, u.ID)
		if err != nil || again {
			return out, err
		}
		return out, tx.CreateReport(at.message, &Report{Sender: at.message.Actor, Content: at.message.Content, Reporter: u.ID, Reason: why,
			At: tx.Now(), Status: ReportOpen})
	})
}

// suspiciousLink is the reason of a report that the server makes.
const suspiciousLink = "links to a suspicious host"

// ofServer is what the server reports by itself: a link in the text of a message to a host that the operator suspects. Not so in
// private conversations, which nobody looks into unless one of the two asks for it.
func ofServer(m *Event, content string, at Time) *Report {
	return &Report{Sender: m.Actor, Content: content, Reporter: SystemUser, Reason: suspiciousLink, At: at, Status: ReportOpen}
}

// Closed is the outcome of closing a report.
type Closed struct {
	Repeat
	Num    int64        `json:"num"`
	Status ReportStatus `json:"status"`
}

func noReport() *Error { return Refuse(NotFound, "there is no such report that you can see") }

// CloseReport says what became of a report. Moderators of its room may, and administrators. A closed one stays as it is.
func (s *Service) CloseReport(call Call, num int64, status ReportStatus) *Pending[Closed] {
	if status != ReportResolved && status != ReportDismissed {
		return refused[Closed](Refuse(BadRequest, "status: must be resolved or dismissed"))
	}
	return submit[Closed](s, call, scope{}, "close report", []string{strconv.FormatInt(num, 10), string(status)}, func(tx Tx, u *User) (Closed, error) {
		report, err := tx.Report(num)
		if err != nil {
			return Closed{}, err
		}
		if report == nil {
			return Closed{}, noReport()
		}
		r, err := tx.Room(report.RoomID)
		if err != nil {
			return Closed{}, err
		}
		m, err := tx.Member(r, u.ID)
		if err != nil {
			return Closed{}, err
		}
		if !moderates(r, m, u) {
			return Closed{}, noReport()
		}
		if report.Status != ReportOpen {
			if report.Status != status {
				return Closed{}, Refuse(Conflict, "the report is %s already", string(report.Status))
			}
			return Closed{Num: num, Status: status}, nil
		}
		report.Status, report.ClosedBy, report.ClosedAt = status, u.ID, tx.Now()
		if err := tx.CloseReport(report); err != nil {
			return Closed{}, err
		}
		return Closed{Num: num, Status: status}, audit(tx, Audited{Actor: u.ID, Action: ActionCloseReport, Target: report.Sender, RoomID: r.ID,
			MessageID: report.MessageID, Reason: string(status)})
	})
}

// moderates tells whether the reports of a room are for the caller: in a private conversation both could be meant, so that
// only administrators look at it.
func moderates(r *Room, m *Member, u *User) bool {
	return u.Role == RoleAdministrator || r.Kind != DirectRoom && !r.Deleted && isModerator(m, u)
}

// ReportPage is a page of reports, the latest first.
type ReportPage struct {
	Reports []Report
	HasMore bool
}

// Reports lists reports in a state (empty: any) with numbers below before (0: all): of one room for its moderators, of one or
// all for administrators.
func (s *Service) Reports(ctx context.Context, who Principal, room RoomID, status ReportStatus, before int64, limit int) (*ReportPage, error) {
	limit, err := pageSize(limit, s.limit.HistoryPage, s.limit.MaxHistoryPage)
	if err != nil {
		return nil, err
	}
	switch {
	case status != "" && status != ReportOpen && status != ReportResolved && status != ReportDismissed:
		return nil, Refuse(BadRequest, "status: must be open, resolved, dismissed or all")
	case before < 0:
		return nil, Refuse(BadRequest, "before: must not be negative")
	}
	u, err := s.store.ReadUser(ctx, who.UserID)
	if err != nil {
		return nil, err
	}
	q := ReportQuery{Status: status, Before: before, Limit: limit + 1}
	switch {
	case u == nil:
		return nil, Refuse(Unauthenticated, "this account does not exist any more")
	case room == "" && u.Role != RoleAdministrator:
		return nil, Refuse(Forbidden, "room_id: only administrators see the reports of all rooms; name one that you moderate")
	case room != "":
		if q.Room, err = s.moderatedRoom(ctx, u, room); err != nil {
			return nil, err
		}
	}
	p := &ReportPage{}
	if p.Reports, err = s.store.Reports(ctx, q); err != nil {
		return nil, err
	}
	p.Reports, p.HasMore = pageOf(p.Reports, limit, func(r *Report) int { return len(r.Content) + len(r.Reason) })
	return p, nil
}

// moderatedRoom is the number of a room whose reports the caller may see.
func (s *Service) moderatedRoom(ctx context.Context, u *User, id RoomID) (int64, error) {
	r, m, err := s.visible(ctx, Principal{u.ID}, id)
	if u.Role == RoleAdministrator && CodeOf(err) != Internal {
		if r, err = s.store.ReadRoom(ctx, id); err == nil && r == nil {
			err = noRoom(id)
		}
	}
	if err != nil {
		return 0, err
	}
	if !moderates(r, m, u) {
		return 0, Refuse(Forbidden, "only moderators see reports")
	}
	return r.Num, nil
}
