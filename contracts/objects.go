package contracts

import (
	"context"
	"errors"
	"io"
	"iter"
	"time"
)

// Objects keeps what is too large to be a value: attachments, as ciphertext. It knows no keys, and the names that it is given
// are random. Every implementation passes contracts/objectstest.
//
// Durability: an object is there, whole, once Commit has returned, and not before: nobody sees a part of one, and after a crash
// what was not committed is gone. When Delete returns, the name leads nowhere, a power cut included. That the bytes are gone from the
// medium is not promised: the key that they were sealed under is what is destroyed.
//
// Concurrency: every method may be called from many goroutines; one object is written by one. A reader that is open goes on
// reading while its object is deleted.
//
// Names are of 1 to 64 characters of [a-z0-9]; any other is an error of the caller's. Errors never hold bytes of an object.
type Objects interface {
	// Create begins an object. Its memory does not grow with the object. ErrObjectExists, from Commit at the latest, if the name is taken:
	// an object is never replaced.
	Create(ctx context.Context, name string) (ObjectWriter, error)
	// Open reads an object from its beginning. ErrNoObject if there is none.
	Open(ctx context.Context, name string) (io.ReadCloser, error)
	// Delete removes an object. One that is not there is no error: doing it again changes nothing.
	Delete(ctx context.Context, name string) error
	// List yields every committed object, in any order, each once. What is created or deleted meanwhile may be there or not.
	// It ends with the first error.
	List(ctx context.Context) iter.Seq2[Object, error]
}

// ObjectWriter takes the bytes of one object. Either Commit or Abort ends it; Abort after Commit does nothing, so that it may be
// deferred.
type ObjectWriter interface {
	io.Writer
	Commit() error
	Abort()
}

// Object is one that is stored: when it was committed, and of how many bytes it is.
type Object struct {
	Name     string
	Modified time.Time
	Size     int64
}

var (
	// ErrNoObject: there is no object of this name.
	ErrNoObject = errors.New("objects: there is no object of this name")
	// ErrObjectExists: the name is taken.
	ErrObjectExists = errors.New("objects: this name is taken; an object is never replaced")
	// ErrObjectName: not a name that an object may have.
	ErrObjectName = errors.New("objects: a name is 1 to 64 characters of a-z and 0-9")
)

// ObjectName says whether an object may have a name.
func ObjectName(name string) bool {
	for i := range len(name) {
		if c := name[i]; !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9') {
			return false
		}
	}
	return len(name) >= 1 && len(name) <= 64
}
