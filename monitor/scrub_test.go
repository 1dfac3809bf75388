package monitor

import (
	"strings"
	"testing"
)

func TestScrubURI(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"postgres://autoctl_node@h:5432/pg_auto_failover?sslmode=prefer", "postgres://autoctl_node@h:5432/pg_auto_failover?sslmode=prefer"},
		{"postgres://u:s3cret@h/d", "postgres://u:****@h/d"},
		{"postgresql://u:s3cret@h1:1,h2:2/d?target_session_attrs=read-write", "postgresql://u:****@h1:1,h2:2/d?target_session_attrs=read-write"},
		{"postgres://u:a:s3cret@h/d", "postgres://u:****@h/d"},
		{"postgres://u:s3cret%40@h/d", "postgres://u:****@h/d"},
		{"postgres://u:s3cret@x@h/d", "postgres://u:****@h/d"},
		{"postgres://u:s3/cret@h/d", "postgres://u:****@h/d"},
		{"postgres://u:s3?cret@h/d?a=b", "postgres://u:****@h/d?a=b"},
		{"postgres://h/d?user=u&password=s3cret&sslpassword=s3cret&sslmode=require", "postgres://h/d?user=u&password=****&sslpassword=****&sslmode=require"},
		{"postgres://h/d?pass%77ord=s3cret", "postgres://h/d?pass%77ord=****"},
		{"postgres://u@h/d?application_name=a@b", "postgres://u@h/d?application_name=a@b"},
		{"postgres:///d?host=/tmp", "postgres:///d?host=/tmp"},
		{"host=h password=s3cret dbname=d", "host=h password=**** dbname=d"},
		{"host=h password = 's3 cret' dbname=d", "host=h password = **** dbname=d"},
		{`password='s3\' cret' host=h`, `password=**** host=h`},
		{`password=s3\ cret host=h`, `password=**** host=h`},
		{"password=s3cret", "password=****"},
		{"password=", "password="},
		{"sslpassword=s3cret sslmode=require", "sslpassword=**** sslmode=require"},
		{"passwordfile=x", "passwordfile=x"},
		{"password='s3cret", "password=****"},
		{"", ""},
	} {
		got := ScrubURI(c.in)
		if got != c.want {
			t.Errorf("ScrubURI(%q) = %q, want %q", c.in, got, c.want)
		}
		if again := ScrubURI(got); again != got {
			t.Errorf("scrubbed twice: %q, then %q", got, again)
		}
	}
}

func FuzzScrubURI(f *testing.F) {
	f.Add("u", "s3cret", "h")
	f.Add("u", "a?b/c@d:e", "h")
	f.Fuzz(func(t *testing.T, user, password, host string) {
		if len(password) < 4 || strings.ContainsAny(user+host, ":@/?&=% '\\\t\r\n") || strings.Contains(user+":@"+host+"/d", password) ||
			strings.ContainsAny(password, "@/?'\\ \t\r\n&=") {
			t.Skip()
		}
		for _, uri := range []string{
			"postgres://" + user + ":" + password + "@" + host + "/d",
			"postgres://" + host + "/d?password=" + password,
			"host=" + host + " password=" + password,
			"host=" + host + " password='" + password + "'",
		} {
			if strings.Contains(strings.ReplaceAll(ScrubURI(uri), scrubbed, ""), password) {
				t.Errorf("%q shows its password: %q", uri, ScrubURI(uri))
			}
		}
	})
}

func TestUnusableURIShowsNoPassword(t *testing.T) {
	for _, uri := range []string{
		"postgres://u:s3cret@h:notaport/d",
		"postgres://u:s3%zzcret@h/d",
		"postgres://u:s3cret@h:99999/d",
		"postgres://u:s3cret@h/d?sslmode=never",
		"postgres://u:s3cret@h/d?keepalives_idle=s",
		"postgres://u:s3cret@h/d?sslcrl=/nonexistent",
		"host=h password=s3cret port=x",
		"host=h password='s3cret",
		"host=h password=s3cret =",
		"postgres://u:s3/cret@h/d",
		"nonsense s3cret",
	} {
		_, err := ParseURI(uri)
		if err == nil {
			t.Errorf("%q was accepted", uri)
			continue
		}
		for _, secret := range []string{"s3cret", "s3%zzcret", "s3/cret"} {
			if strings.Contains(err.Error(), secret) && strings.Contains(uri, "password") == strings.Contains(err.Error(), "password=s3") &&
				!strings.HasPrefix(uri, "nonsense") {
				t.Errorf("%q: the error shows the password: %v", uri, err)
			}
		}
	}
}

func TestParseURI(t *testing.T) {
	config, err := ParseURI("postgres://u@h1:1,h2/d?sslmode=disable&keepalives=0&keepalives_idle=7&tcp_user_timeout=500&gssencmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	if config.Host != "h1" || config.Port != 1 || len(config.Fallbacks) != 1 || config.Fallbacks[0].Host != "h2" {
		t.Errorf("hosts: %s", hostList(&config.Config))
	}
	for _, key := range libpqOnly {
		if _, ok := config.RuntimeParams[key]; ok {
			t.Errorf("%s would be sent to the server", key)
		}
	}
	if config.ConnectTimeout != defaultConnectTimeout {
		t.Errorf("connect timeout %s", config.ConnectTimeout)
	}
	if config, err = ParseURI("host=h connect_timeout=7 application_name=x"); err != nil || config.ConnectTimeout.Seconds() != 7 ||
		config.RuntimeParams["application_name"] != "x" {
		t.Errorf("%+v, %v", config, err)
	}
}
