package monitor

import (
	"net/url"
	"strings"
)

const scrubbed = "****"

// ScrubURI returns a connection string, URI or key=value, with every password
// in it replaced by ****. Where a malformed string leaves open what its
// password is, it hides too much rather than too little.
func ScrubURI(uri string) string {
	text, _ := scrub(uri)
	return text
}

// secretsIn lists the passwords that ScrubURI would hide.
func secretsIn(uri string) []string {
	_, secrets := scrub(uri)
	return secrets
}

func scrub(uri string) (text string, secrets []string) {
	for _, scheme := range []string{"postgres://", "postgresql://"} {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(uri), scheme); ok {
			text, secrets = scrubAfterScheme(rest)
			return scheme + text, secrets
		}
	}
	return scrubPairs(uri)
}

func scrubAfterScheme(rest string) (text string, secrets []string) {
	head, query := splitQuery(rest)
	if at := strings.LastIndexByte(head, '@'); at >= 0 {
		user, password, found := strings.Cut(head[:at], ":")
		if found && password != "" {
			secrets = append(secrets, password)
			if plain, err := url.PathUnescape(password); err == nil && plain != password {
				secrets = append(secrets, plain)
			}
			head = user + ":" + scrubbed + head[at:]
		}
	}
	if query == "" {
		return head, secrets
	}
	pairs := strings.Split(query[1:], "&")
	for i, pair := range pairs {
		key, password, _ := strings.Cut(pair, "=")
		if plain, err := url.QueryUnescape(key); err == nil && isSecretKey(plain) && password != "" {
			secrets = append(secrets, password)
			if plain, err := url.QueryUnescape(password); err == nil && plain != password {
				secrets = append(secrets, plain)
			}
			pairs[i] = key + "=" + scrubbed
		}
	}
	return head + query[:1] + strings.Join(pairs, "&"), secrets
}

// splitQuery cuts at the '?' that begins the query. An '@' behind the first
// '?' that is not part of a key=value pair belongs to a password that should
// have been percent-encoded: the cut then is behind it.
func splitQuery(rest string) (head, query string) {
	mark := strings.IndexByte(rest, '?')
	if mark < 0 {
		return rest, ""
	}
	if !strings.Contains(rest[:mark], "@") && strings.Contains(rest[:mark], ":") {
		if at := strings.LastIndexByte(rest, '@'); at > mark {
			if next := strings.IndexByte(rest[at:], '?'); next >= 0 {
				return rest[:at+next], rest[at+next:]
			}
			return rest, ""
		}
	}
	return rest[:mark], rest[mark:]
}

func isSecretKey(key string) bool {
	return key == "password" || key == "sslpassword"
}

// scrubPairs handles libpq's key = value form, with quotes and backslashes.
func scrubPairs(text string) (string, []string) {
	var out strings.Builder
	var secrets []string
	for i := 0; i < len(text); {
		start := i
		for i < len(text) && text[i] != '=' && !isSpace(text[i]) {
			i++
		}
		key := text[start:i]
		for i < len(text) && isSpace(text[i]) {
			i++
		}
		if i >= len(text) || text[i] != '=' {
			out.WriteString(text[start:i])
			continue
		}
		i++
		blank := i
		for i < len(text) && isSpace(text[i]) {
			i++
		}
		out.WriteString(text[start:i])
		if i > blank && !isSecretKey(key) {
			continue // "host= password=x": libpq takes the second pair for the host, its author did not
		}
		end, plain := pairValue(text, i)
		if isSecretKey(key) && end > i {
			secrets = append(secrets, text[i:end], plain)
			out.WriteString(scrubbed)
		} else {
			out.WriteString(text[i:end])
		}
		i = end
	}
	return out.String(), secrets
}

// pairValue finds the end of the value that begins at i and what it stands for.
func pairValue(text string, i int) (end int, plain string) {
	var out strings.Builder
	quoted := i < len(text) && text[i] == '\''
	if quoted {
		i++
	}
	for i < len(text) {
		switch {
		case text[i] == '\\' && i+1 < len(text):
			i++
			out.WriteByte(text[i])
		case quoted && text[i] == '\'':
			return i + 1, out.String()
		case !quoted && isSpace(text[i]):
			return i, out.String()
		default:
			out.WriteByte(text[i])
		}
		i++
	}
	return i, out.String()
}

func isSpace(b byte) bool { return b == ' ' || b == '\t' || b == '\n' || b == '\r' }
