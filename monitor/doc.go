// Package monitor is everything that talks to or serves the monitor, the
// Postgres database with the pgautofailover objects.
//
// # Who is the authority for what
//
//   - The database decides. Its rules assign states; nothing in this package
//     does. Client calls its functions and returns what they answer.
//
//   - Table event is the authority for what happened. A notification only says
//     that it is worth looking: notifications are lost with their connection,
//     events are not.
//
//   - The node itself is the authority for its health. Service looks at it and
//     passes on signs; the database combines them with what keepers report. A
//     sign is evidence only if the observer was on time: local clocks measure
//     durations, never order, and Suspicion judges with the clock passed in.
//
// # The listener
//
// Feed, under Bus and Service, is the one listener:
//
//	LISTEN ──▶ read the state ──▶ read the events after the last one seen ──┐
//	   ▲                                                                    ▼
//	   └── connection lost ◀── wait for a notification ◀──▶ read from its event id on
//
// Every event is delivered once, whatever breaks in between. The nodes that
// come with events are never older than these.
//
// LISTEN, the session of a keeper and the lock of the service belong to a
// connection: the URI must lead to Postgres itself, or to a pooler in session
// mode.
//
// # The service
//
//	        advisory lock free                 connection lost
//	connect ─────────────────▶ active: looks, tick, log ─────────▶ connect
//	   │ lock taken                 ▲
//	   └──▶ ask once a second ──────┘
//
// The connection that holds the lock is the one that works, so that losing one
// is losing both. Service holds no state: killed at any moment, another copy
// goes on with what the database knows.
//
// # A look
//
// Each node has one goroutine and one kept connection. It sleeps on that
// connection, so that its end is noticed at once; once per period, or when
// asked, it runs a query:
//
//	sleep ──period, or asked──▶ query ──answered──▶ ok
//	  │                           ├──deadline─────▶ timeout (late, when the observer was)
//	  └──connection ended──▶ reconnect at once ───▶ ok, refused, reset, starting, denied
//
// A sign is reported at once. It makes a node bad only when it is there in two
// looks in a row.
package monitor
