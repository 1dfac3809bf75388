package monitor

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// probe looks at one node once per period, and at once when its kept
// connection breaks or somebody asks. One goroutine runs it.
type probe struct {
	host      string
	port      int
	pace      func() pace // present settings
	awareness *Awareness
	report    func(time.Time, Verdict)

	bell      *doorbell
	suspicion Suspicion
	config    *pgconn.Config
	conn      *kept // nil while there is none
}

// pace is what the settings say about health checks.
type pace struct {
	period    time.Duration
	deadline  time.Duration
	retry     time.Duration // pause after a failed look
	threshold int           // failures in a row that make a node bad
}

func newProbe(host string, port int, pace func() pace, awareness *Awareness, report func(time.Time, Verdict)) *probe {
	return &probe{host: host, port: port, pace: pace, awareness: awareness, report: report, bell: newDoorbell()}
}

// look asks for an immediate look. Safe for concurrent use.
func (p *probe) look() { p.bell.ring() }

// run probes until ctx ends. The first look is at first.
func (p *probe) run(ctx context.Context, first time.Time) {
	defer context.AfterFunc(ctx, p.bell.ring)()
	defer p.drop(true)
	for next := first; ; {
		due := p.rest(next)
		if ctx.Err() != nil {
			return
		}
		look := p.observe(ctx, due)
		if ctx.Err() != nil {
			return // ended half way: says nothing
		}
		next = p.judge(look)
	}
}

// rest waits until next, for a request or for the end of the kept connection,
// and returns when the coming look is due.
func (p *probe) rest(next time.Time) time.Time {
	var err error
	if p.conn == nil {
		err = p.bell.sleep(next)
	} else {
		err = p.bell.sleepOn(p.conn.conn, next, p.conn.receive)
	}
	if err == nil {
		return next
	}
	if !errors.Is(err, errRung) {
		p.drop(false) // broken: look at once whether it comes back
	}
	return time.Now()
}

// observe takes one look: a query on the kept connection; a new connection
// when there is none or the old one turns out to be broken, which confirms the
// sign at once.
func (p *probe) observe(ctx context.Context, due time.Time) Look {
	begun := time.Now()
	look := Look{Due: due, Begun: begun, Deadline: p.awareness.Stretch(begun, p.pace().deadline)}
	deadline := begun.Add(look.Deadline)
	err := errNotConnected
	if p.conn != nil {
		err = p.conn.ask(deadline)
	}
	if err != nil && !isTimeout(err) && !goesOn(err) {
		p.drop(false)
		err = p.connect(ctx, deadline)
	}
	if err != nil && !goesOn(err) {
		p.drop(false)
	}
	look.Ended = time.Now()
	look.Sign, look.Message = classify(err)
	return look
}

var errNotConnected = errors.New("not connected")

// connect makes a new kept connection and tries it.
func (p *probe) connect(ctx context.Context, deadline time.Time) (err error) {
	if p.config == nil {
		if p.config, err = checkConfig(p.host, p.port); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	if p.conn, err = connectKept(ctx, p.config); err != nil {
		return err
	}
	return p.conn.ask(deadline)
}

// judge hands the look on and returns when the next one is due.
func (p *probe) judge(look Look) time.Time {
	pace := p.pace()
	p.awareness.Observe(look.Ended, look.Lateness())
	p.suspicion.Threshold = pace.threshold
	p.suspicion.Spacing = min(pace.period, pace.retry) / 2
	p.report(look.Ended, p.suspicion.Judge(look))
	pause := pace.period
	if !look.Sign.good() {
		pause = pace.retry
	}
	next := look.Begun.Add(pause)
	if next.Before(look.Ended) {
		return look.Ended
	}
	return next
}

func (p *probe) drop(polite bool) {
	if p.conn != nil {
		p.conn.close(polite)
		p.conn = nil
	}
}

// goesOn reports whether err is an answer after which the connection goes on.
func goesOn(err error) bool {
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && pgErr.SeverityUnlocalized == "ERROR"
}
