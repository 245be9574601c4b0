// SPDX-License-Identifier: Apache-2.0

package chat_test

import (
	"testing"

	"parley/internal/chat"
)

// What links to a suspicious host comes before the moderators by itself, once until they have closed it.
func TestServerReportsSuspiciousLinks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.room("r", false, "bob")
	reports := func(status chat.ReportStatus) []chat.Report {
		t.Helper()
		return read[*chat.ReportPage](t)(w.Reports(t.Context(), who("ann"), "r", status, 0, 0)).Reports
	}
	send := func(content string, flag chat.Flag) chat.ID {
		t.Helper()
		return done(t, w.Send(by("bob"), "r", chat.NewMessage{Content: content, Flag: flag})).MessageID
	}
	plain := send("hello", chat.Unflagged)
	send("HELLO THERE", chat.Flagged)
	if r := reports(""); len(r) != 0 {
		t.Fatalf("without a link there are %+v", r)
	}
	linked := send("see bad.example", chat.Suspicious)
	r := reports(chat.ReportOpen)
	if len(r) != 1 || r[0].Reporter != chat.SystemUser || r[0].MessageID != linked || r[0].Sender != "bob" || r[0].Content != "see bad.example" || r[0].Reason == "" {
		t.Fatalf("of a message: %+v", r)
	}
	edit := func(id chat.ID, content string) {
		t.Helper()
		done(t, w.Edit(by("bob"), id, content, chat.Suspicious))
	}
	edit(plain, "hello bad.example")
	edit(plain, "hello again bad.example")
	edit(linked, "do see bad.example")
	r = reports(chat.ReportOpen)
	if len(r) != 2 || r[0].MessageID != plain || r[0].Content != "hello bad.example" || r[1].MessageID != linked {
		t.Fatalf("of edits: %+v", r)
	}
	// A member's report is another one, and what was closed may come again.
	done(t, w.Report(by("ann"), plain, "spam"))
	done(t, w.CloseReport(by("ann"), r[0].Num, chat.ReportDismissed))
	edit(plain, "once more bad.example")
	if r = reports(chat.ReportOpen); len(r) != 3 || r[0].Content != "once more bad.example" || r[0].Reporter != chat.SystemUser || r[1].Reporter != "ann" {
		t.Fatalf("after closing: %+v", r)
	}
	// Nobody looks into private conversations by themselves.
	private := done(t, w.SendPrivate(by("ann"), "bob", chat.NewMessage{Content: "bad.example", Flag: chat.Suspicious})).MessageID
	done(t, w.Edit(by("ann"), private, "bad.example again", chat.Suspicious))
	if all := read[*chat.ReportPage](t)(w.Reports(t.Context(), who(root), "", "", 0, 0)).Reports; len(all) != 4 {
		t.Errorf("with a private message: %+v", all)
	}
}
