package main

import (
	"testing"
	"time"
)

func TestSeconds(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0": 0, "60": time.Minute, "1.5s": 1500 * time.Millisecond, "2m": 2 * time.Minute,
	} {
		var s seconds
		if err := s.UnmarshalText([]byte(text)); err != nil || s.duration() != want {
			t.Errorf("%q is %v, %v; want %v", text, s.duration(), err, want)
		}
	}
	for _, text := range []string{"", "soon", "-1", "-1s", "1 2", "60x"} {
		var s seconds
		if err := s.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is accepted as %v", text, s.duration())
		}
	}
}

func TestBoolean(t *testing.T) {
	for text, want := range map[string]bool{
		"true": true, "on": true, "YES": true, "1": true, "t": true,
		"false": false, "off": false, "No": false, "0": false, "f": false,
	} {
		var b boolean
		if err := b.UnmarshalText([]byte(text)); err != nil || bool(b) != want {
			t.Errorf("%q is %v, %v; want %v", text, b, err, want)
		}
	}
	for _, text := range []string{"", "maybe", "2"} {
		var b boolean
		if err := b.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}

func TestNumbers(t *testing.T) {
	for _, c := range []struct {
		value interface{ UnmarshalText([]byte) error }
		text  string
		valid bool
	}{
		{new(priority), "0", true}, {new(priority), "100", true},
		{new(priority), "101", false}, {new(priority), "-1", false}, {new(priority), "", false}, {new(priority), "5x", false},
		{new(port), "1", true}, {new(port), "65535", true},
		{new(port), "0", false}, {new(port), "65536", false}, {new(port), "", false}, {new(port), "http", false},
		{new(count), "0", true}, {new(count), "17", true},
		{new(count), "-1", false}, {new(count), "", false}, {new(count), "1.5", false},
	} {
		if err := c.value.UnmarshalText([]byte(c.text)); (err == nil) != c.valid {
			t.Errorf("%T %q: %v, valid is %v", c.value, c.text, err, c.valid)
		}
	}
}
