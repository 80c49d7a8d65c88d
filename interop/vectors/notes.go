package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"strings"

	f_note "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
)

var (
	demo     = newKey("ledger.example/demo", 1)
	other    = newKey("other.example/log", 2)
	namesake = newKey("ledger.example/demo", 3)
	witness  = newKey("witness.example/w1", 4)
)

func newKey(name string, b byte) key {
	skey, vkey, err := note.GenerateKey(bytes.NewReader(seed(b)), name)
	check(err)
	return key{name, skey, vkey, ed25519.NewKeyFromSeed(seed(b))}
}

func (k key) signer() note.Signer     { return must(note.NewSigner(k.skey)) }
func (k key) verifier() note.Verifier { return must(note.NewVerifier(k.vkey)) }

type signedNote struct {
	Why  string   `json:"why"`
	Keys []string `json:"keys"`
	Note string   `json:"note"`
	// Of a valid note.
	Text     string   `json:"text,omitempty"`
	Verified []string `json:"verified,omitempty"`
}

func validNotes() []signedNote {
	var notes []signedNote
	add := func(why, text string, trusted []key, signers ...key) {
		signed := sign(text, signers...)
		n := signedNote{Why: why, Note: signed, Text: text}
		for _, k := range trusted {
			n.Keys = append(n.Keys, k.vkey)
		}
		opened := must(note.Open([]byte(signed), verifiers(trusted)))
		for _, s := range opened.Sigs {
			n.Verified = append(n.Verified, s.Name)
		}
		notes = append(notes, n)
	}
	add("one signature", "text\n", []key{demo}, demo)
	add("two signatures", "text\n", []key{demo, other}, demo, other)
	add("an unknown key", "text\n", []key{other}, demo, other)
	add("an unknown key of the same name", "text\n", []key{demo}, namesake, demo)
	add("empty lines in the text", "\na\n\n\nb\n\n", []key{demo}, demo)
	add("an empty text", "\n", []key{demo}, demo)
	add("text beyond ASCII", "Ognuno sta solo — 心 \u0085😀\n", []key{demo}, demo)
	return notes
}

func invalidNotes() []signedNote {
	good := sign("text\n", demo)
	line := strings.TrimPrefix(good, "text\n\n")
	strange := strings.TrimPrefix(sign("text\n", other), "text\n\n")
	forged := strings.TrimPrefix(sign("other text\n", demo), "other text\n\n")
	var notes []signedNote
	add := func(why, text string, trusted ...key) {
		n := signedNote{Why: why, Note: text, Keys: []string{}}
		for _, k := range trusted {
			n.Keys = append(n.Keys, k.vkey)
		}
		_, err := note.Open([]byte(text), verifiers(trusted))
		mustRefuse(why, err)
		notes = append(notes, n)
	}
	add("another text", strings.Replace(good, "text", "test", 1), demo)
	add("the signature of another text", "text\n\n"+forged, demo)
	add("one of two trusted signatures fails", "text\n\n"+strange+forged, demo, other)
	add("no trusted key", good)
	add("no signature by the trusted key", good, other)
	add("a key of the same name only", good, namesake)
	add("no empty line", "text\n"+line, demo)
	add("no signature", "text\n\n", demo)
	add("no final newline", strings.TrimSuffix(good, "\n"), demo)
	add("a line after the signatures", good+"more\n", demo)
	add("an empty line after the signatures", good+"\n", demo)
	add("a carriage return", strings.Replace(good, "text\n", "text\r\n", 1), demo)
	add("a control character", strings.Replace(good, "text", "te\x01xt", 1), demo)
	add("a hyphen for the dash", strings.Replace(good, "—", "-", 1), demo)
	add("a space more", strings.Replace(good, "— ", "—  ", 1), demo)
	add("a trailing space", strings.TrimSuffix(good, "\n")+" \n", demo)
	add("a plus in a name", good+strings.Replace(strange, "other", "oth+er", 1), demo)
	add("no base64", good+"— a.example !!!!\n", demo)
	add("a signature that is only an id", good+"— a.example AQIDBA==\n", demo)
	add("more than 100 signatures", good+strings.Repeat("— a.example AQIDBAU=\n", 100), demo)
	return notes
}

func sign(text string, signers ...key) string {
	var all []note.Signer
	for _, k := range signers {
		all = append(all, k.signer())
	}
	return string(must(note.Sign(&note.Note{Text: text}, all...)))
}

func verifiers(keys []key) note.Verifiers {
	var all []note.Verifier
	for _, k := range keys {
		all = append(all, k.verifier())
	}
	return note.VerifierList(all...)
}

// cosign adds the witness's cosignature/v1 at a fixed time: the library's own signer takes the clock's.
func cosign(signed string, k key, time uint64) string {
	text, _, _ := strings.Cut(signed, "\n\n")
	text += "\n"
	vkey := must(f_note.VKeyToCosignatureV1(k.vkey))
	verifier := must(f_note.NewVerifierForCosignatureV1(k.vkey))
	message := append([]byte("cosignature/v1\ntime "), decimal(time)+"\n"+text...)
	signature := append(bigEndian(uint64(verifier.KeyHash()), 4), bigEndian(time, 8)...)
	signature = append(signature, ed25519.Sign(k.private, message)...)
	cosigned := signed + "— " + k.name + " " + base64.StdEncoding.EncodeToString(signature) + "\n"
	opened := must(note.Open([]byte(cosigned), note.VerifierList(verifier)))
	if at := must(f_note.CoSigV1Timestamp(opened.Sigs[0])); uint64(at.Unix()) != time || vkey == k.vkey {
		check(errCosignature)
	}
	return cosigned
}
