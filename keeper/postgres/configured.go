package postgres

import (
	"context"
	"strings"
)

// Setting is the value of a setting in the configuration files of a stopped cluster, as Postgres reads them.
func (b Bin) Setting(ctx context.Context, pgdata, name string) (string, error) {
	return b.setting(ctx, pgdata, name)
}

func (b Bin) setting(ctx context.Context, pgdata, name string, options ...string) (string, error) {
	var value strings.Builder
	p := program{path: b.Path("postgres"), args: append([]string{"-D", pgdata, "-C", name}, options...), onOut: func(line string) { value.WriteString(line + "\n") }}
	output, err := p.run(ctx)
	if err != nil {
		return "", &ProgramError{Program: "postgres", Doing: "read the setting " + name + " of " + pgdata,
			Kind: classify(ctx, output, err), Output: output, Err: err}
	}
	return strings.TrimSpace(value.String()), nil
}
