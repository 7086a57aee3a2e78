package tasks

import "testing"

func TestNewIDIsAUUIDOfVersion4(t *testing.T) {
	first, second := NewID(), NewID()
	if !IsID(first) || first[14] != '4' || first == second {
		t.Errorf("got %s, %s", first, second)
	}
}

func TestIsKind(t *testing.T) {
	for text, want := range map[string]bool{
		"parcel": true, "tax.lien-2_b": true, "9": true,
		"": false, "Parcel": false, "-x": false, "a b": false, "a\n": false,
		"a23456789012345678901234567890123456789012345678901234567890123x":  true,
		"a234567890123456789012345678901234567890123456789012345678901234x": false,
	} {
		if got := IsKind(text); got != want {
			t.Errorf("%q: got %v", text, got)
		}
	}
}

func TestIsID(t *testing.T) {
	for text, want := range map[string]bool{
		"01873a82-95bf-49e8-aee2-c9599abc38bb": true,
		"01873A82-95bf-49e8-aee2-c9599abc38bb": false,
		"01873a8295bf49e8aee2c9599abc38bb":     false,
		"":                                     false,
	} {
		if got := IsID(text); got != want {
			t.Errorf("%q: got %v", text, got)
		}
	}
}
