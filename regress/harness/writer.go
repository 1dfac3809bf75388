package harness

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// WriterOptions say how a client writes. Zero values mean the defaults.
type WriterOptions struct {
	URI               string
	Dial              pgconn.DialFunc
	Name              string        // distinguishes several clients; default "writer"
	SynchronousCommit string        // default: the server's
	Pause             time.Duration // between two writes; default 5 ms
	ConnectTimeout    time.Duration // per host; default 300 ms: a frozen host must not hold up the next
	WriteTimeout      time.Duration // until a write counts as failed; default 1 s
}

// Writer inserts one row after another and remembers every acknowledged one. Each
// attempt has a new id, so a row that was committed without an acknowledgement
// is never mistaken for one that was.
type Writer struct {
	options WriterOptions
	stop    context.CancelFunc
	done    chan struct{}

	mu           sync.Mutex
	acknowledged []Acknowledged
	attempts     int64
	lastError    error
	progress     chan struct{} // closed at each acknowledgement
}

// Acknowledged is one write that the server confirmed.
type Acknowledged struct {
	ID       int64
	Sent, At time.Time
}

// StartWriter creates the writer's table if it is missing, and returns after the first
// acknowledged write.
func StartWriter(ctx context.Context, options WriterOptions) (*Writer, error) {
	if options.Name == "" {
		options.Name = "writer"
	}
	if options.Pause == 0 {
		options.Pause = 5 * time.Millisecond
	}
	if options.ConnectTimeout == 0 {
		options.ConnectTimeout = 300 * time.Millisecond
	}
	if options.WriteTimeout == 0 {
		options.WriteTimeout = time.Second
	}
	conn, err := connect(ctx, options.URI, options.Dial, 5*time.Second)
	if err != nil {
		return nil, fmt.Errorf("connect the writer: %w", err)
	}
	_, err = conn.Exec(ctx, "create table if not exists acknowledged_writes (client text, id bigint, primary key (client, id))")
	if err == nil {
		_, err = conn.Exec(ctx, "delete from acknowledged_writes where client = $1", options.Name) // of an earlier writer of that name
	}
	closeConnection(conn)
	if err != nil {
		return nil, fmt.Errorf("create the writer's table: %w", err)
	}
	running, stop := context.WithCancel(context.Background())
	w := &Writer{options: options, stop: stop, done: make(chan struct{}), progress: make(chan struct{})}
	go w.run(running)
	if err := w.WaitAcknowledged(ctx); err != nil {
		w.Stop()
		return nil, err
	}
	return w, nil
}

// run writes until it is stopped, connecting again after each failure.
func (w *Writer) run(ctx context.Context) {
	defer close(w.done)
	var conn *pgx.Conn
	defer func() {
		if conn != nil {
			closeConnection(conn)
		}
	}()
	for ctx.Err() == nil {
		var err error
		if conn == nil {
			conn, err = w.connect(ctx)
		}
		if err == nil {
			if err = w.write(ctx, conn); err != nil {
				abandon(conn)
				conn = nil
			}
		}
		if err != nil {
			w.mu.Lock()
			w.lastError = err
			w.mu.Unlock()
		}
		select {
		case <-ctx.Done():
		case <-time.After(w.options.Pause):
		}
	}
}

func (w *Writer) connect(ctx context.Context) (*pgx.Conn, error) {
	conn, err := connect(ctx, w.options.URI, w.options.Dial, w.options.ConnectTimeout)
	if err != nil || w.options.SynchronousCommit == "" {
		return conn, err
	}
	short, cancel := context.WithTimeout(ctx, w.options.ConnectTimeout)
	defer cancel()
	if _, err := conn.Exec(short, "select set_config('synchronous_commit', $1, false)", w.options.SynchronousCommit); err != nil {
		abandon(conn)
		return nil, err
	}
	return conn, nil
}

func (w *Writer) write(ctx context.Context, conn *pgx.Conn) error {
	w.mu.Lock()
	w.attempts++
	id := w.attempts
	w.mu.Unlock()
	short, cancel := context.WithTimeout(ctx, w.options.WriteTimeout)
	defer cancel()
	sent := time.Now()
	tag, err := conn.Exec(short, "insert into acknowledged_writes values ($1, $2)", w.options.Name, id)
	if err != nil {
		return err
	}
	if tag.RowsAffected() != 1 {
		return fmt.Errorf("insert of %d answered %q", id, tag)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.acknowledged = append(w.acknowledged, Acknowledged{ID: id, Sent: sent, At: time.Now()})
	close(w.progress)
	w.progress = make(chan struct{})
	return nil
}

// abandon drops a connection whose server may be frozen or gone: no goodbye.
func abandon(conn *pgx.Conn) {
	go func() { closeConnection(conn) }()
}

// WaitAcknowledged waits until a write that was sent after the call is acknowledged.
func (w *Writer) WaitAcknowledged(ctx context.Context) error {
	called := time.Now()
	for {
		w.mu.Lock()
		n, progress, lastError := len(w.acknowledged), w.progress, w.lastError
		met := n > 0 && !w.acknowledged[n-1].Sent.Before(called)
		w.mu.Unlock()
		if met {
			return nil
		}
		select {
		case <-progress:
		case <-w.done:
			return errors.New("the writer was stopped")
		case <-ctx.Done():
			return fmt.Errorf("no write acknowledged for %.1f s: %w", time.Since(called).Seconds(), lastError)
		}
	}
}

// Stop ends the client. Twice is no error.
func (w *Writer) Stop() {
	w.stop()
	<-w.done
}

// Gap is a time without an acknowledged write.
type Gap struct{ From, To time.Time }

// Length is how long nothing was acknowledged.
func (g Gap) Length() time.Duration { return g.To.Sub(g.From) }

func (g Gap) String() string {
	return fmt.Sprintf("%d ms", g.Length().Milliseconds())
}

// LargestGap is the longest time between two acknowledged writes, looking at those that ended
// after the given time.
func (w *Writer) LargestGap(after time.Time) Gap {
	w.mu.Lock()
	defer w.mu.Unlock()
	var largest Gap
	for i := 1; i < len(w.acknowledged); i++ {
		gap := Gap{w.acknowledged[i-1].At, w.acknowledged[i].At}
		if gap.To.After(after) && gap.Length() > largest.Length() {
			largest = gap
		}
	}
	return largest
}

// Acknowledged returns the writes that were acknowledged after the given time.
func (w *Writer) Acknowledged(after time.Time) []Acknowledged {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, a := range w.acknowledged {
		if a.At.After(after) {
			return append([]Acknowledged(nil), w.acknowledged[i:]...)
		}
	}
	return nil
}

// Tally is the account of a writer after its end.
type Tally struct {
	Acknowledged int
	Lost         []int64 // acknowledged, but not in the table
	Unconfirmed  int     // in the table, but never acknowledged: allowed
	LargestGap   Gap
}

func (t Tally) String() string {
	return fmt.Sprintf("acknowledged %d, lost %d, largest gap %s", t.Acknowledged, len(t.Lost), t.LargestGap)
}

// Err is nil when no acknowledged write was lost.
func (t Tally) Err() error {
	if len(t.Lost) == 0 {
		return nil
	}
	var ids []string
	for _, id := range t.Lost[:min(10, len(t.Lost))] {
		ids = append(ids, fmt.Sprint(id))
	}
	return fmt.Errorf("%d of %d acknowledged writes are lost, first ids %s", len(t.Lost), t.Acknowledged, strings.Join(ids, ", "))
}

// read returns the ids in the writer's table.
func (w *Writer) read(ctx context.Context, uri string) ([]int64, error) {
	conn, err := connect(ctx, uri, w.options.Dial, 5*time.Second)
	if err != nil {
		return nil, fmt.Errorf("connect to count the acknowledged writes: %w", err)
	}
	defer closeConnection(conn)
	rows, err := conn.Query(ctx, "select id from acknowledged_writes where client = $1", w.options.Name)
	if err != nil {
		return nil, fmt.Errorf("read the writer's table: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return nil, fmt.Errorf("read the writer's table: %w", err)
	}
	return ids, nil
}

// Verify stops the writer, reads its table through uri ("" means the writer's own) and looks for
// each acknowledged id.
func (w *Writer) Verify(ctx context.Context, uri string) (Tally, error) {
	w.Stop()
	if uri == "" {
		uri = w.options.URI
	}
	ids, err := w.read(ctx, uri)
	for err != nil && pause(ctx, 100*time.Millisecond) == nil { // the server may just be starting
		ids, err = w.read(ctx, uri)
	}
	if err != nil {
		return Tally{}, err
	}
	present := make(map[int64]bool, len(ids))
	for _, id := range ids {
		present[id] = true
	}
	tally := Tally{LargestGap: w.LargestGap(time.Time{})}
	w.mu.Lock()
	defer w.mu.Unlock()
	tally.Acknowledged = len(w.acknowledged)
	for _, a := range w.acknowledged {
		if !present[a.ID] {
			tally.Lost = append(tally.Lost, a.ID)
		}
	}
	tally.Unconfirmed = len(present) + len(tally.Lost) - tally.Acknowledged
	return tally, nil
}
