package contracts

import (
	"context"
	"io"
	"time"

	"github.com/daicho-dev/daicho/events"
)

// Datasets makes anonymously processed information out of what the register holds, and keeps what the law asks of whoever made it
// (APPI 43): no dataset that misses one of the five criteria of Rule 34, no use before its items are published, no provision before the
// method is published as well, and none without the label. The rows leave only with a recorded use or provision.
//
// Who asks is in the context (the service) or in the token (the client). Errors that a caller can do something about are *Problem.
type Datasets interface {
	// MakeDataset carries out a recipe (JSON). Each person who is read has a look in their history before anything of theirs is opened.
	// When it answers, the files are on disk and what led back from rows to people is destroyed; after an error nothing is written.
	MakeDataset(ctx context.Context, recipe []byte) (Dataset, error)
	// Datasets are all that were made, the newest first.
	Datasets(ctx context.Context) ([]Dataset, error)
	Dataset(ctx context.Context, id events.ID) (Dataset, error)
	// PublishDataset announces the items of a dataset (Rule 36) and, if any are named, the methods by which it will be provided (Rule 37).
	PublishDataset(ctx context.Context, id events.ID, q DatasetPublication) (Dataset, error)
	// UseDataset records a use. With categories of people beside it, it is an attempt to join: recorded, and refused.
	UseDataset(ctx context.Context, id events.ID, q DatasetUse) (Dataset, error)
	// DatasetFile records a use and gives the rows.
	DatasetFile(ctx context.Context, id events.ID, q DatasetUse) (DatasetFile, io.ReadCloser, error)
	// ProvideDataset records a provision and gives what is handed over: an archive of the rows and the notice that says what they are.
	ProvideDataset(ctx context.Context, id events.ID, q DatasetProvision) (DatasetFile, io.ReadCloser, error)
	// DestroyDataset removes the files for good.
	DestroyDataset(ctx context.Context, id events.ID) (Dataset, error)
	// JoinDataset is never done: the attempt is recorded, and the answer is the refusal (APPI 43(5)).
	JoinDataset(ctx context.Context, id events.ID, q DatasetJoin) error
}

// MaxDatasetRows is the most rows that a recipe may select.
const MaxDatasetRows = 1_000_000

// Dataset is anonymously processed information that was made here: as it was measured, and what has become of it. Risks are in parts of
// a million.
type Dataset struct {
	ID          events.ID          `json:"id"`
	State       string             `json:"state"` // made, published, destroyed
	Made        time.Time          `json:"made"`
	Position    events.Position    `json:"position"` // of its making
	Purpose     events.Word        `json:"purpose"`
	Items       []events.Word      `json:"items"`      // of information contained: categories and fields
	Empty       []events.Word      `json:"empty"`      // what the recipe asked for and no row holds: left out, and not announced
	Categories  []events.Word      `json:"categories"` // of the source records
	Steps       []events.Word      `json:"steps"`
	Recipe      events.Word        `json:"recipe"`  // its digest
	Digest      events.Word        `json:"digest"`  // of the rows, as CSV
	Parquet     events.Word        `json:"parquet"` // digest of the same rows as a Parquet file
	Rows        int                `json:"rows"`
	People      int                `json:"people"`
	Groups      int                `json:"groups"` // of rows alike in every quasi-identifier
	K           int                `json:"k"`      // people of the smallest group
	MaxRisk     int                `json:"maxRisk"`
	MeanRisk    int                `json:"meanRisk"`
	L           int                `json:"l"`
	T           int                `json:"t"`
	Alone       int                `json:"alone"`  // rows that no other person shares in all columns, sensitive ones included
	Linked      int                `json:"linked"` // rows of the source that were tried as keys
	Suppressed  events.Suppressed  `json:"suppressed"`
	Criteria    []events.Criterion `json:"criteria"`  // of Rule 34
	Destroyed   []events.Word      `json:"destroyed"` // of the making: tables and random parameters
	DestroyedAt time.Time          `json:"destroyedAt"`
	Published   *time.Time         `json:"published"`
	Methods     []events.Word      `json:"methods"` // of provision, as published
	Provided    []DatasetProvided  `json:"provided"`
	Uses        int                `json:"uses"`
	Joins       int                `json:"joins"` // attempts to join it with other information, all refused
	Ended       *time.Time         `json:"ended"` // the files are destroyed
	Caveats     []string           `json:"caveats"`
}

// DatasetProvided is one provision of a dataset.
type DatasetProvided struct {
	Recipient events.Word     `json:"recipient"`
	Method    events.Word     `json:"method"`
	Time      time.Time       `json:"time"`
	Position  events.Position `json:"position"`
}

// DatasetPublication publishes the items that a dataset contains, all of them, and the methods of provision.
type DatasetPublication struct {
	Methods []events.Word `json:"methods,omitempty"` // none: it is for use only
}

// DatasetUse says for which purpose a dataset is used.
type DatasetUse struct {
	Purpose events.Word   `json:"purpose"`
	Format  events.Word   `json:"format,omitempty"` // of the file: csv (default) or parquet
	With    []events.Word `json:"with,omitempty"`   // categories of people to be used beside it: refused as a join
}

// DatasetProvision says to whom, how and for which purpose a dataset is handed over.
type DatasetProvision struct {
	Recipient events.Word `json:"recipient"`
	Method    events.Word `json:"method"`
	Purpose   events.Word `json:"purpose"`          // of use; that of the built-in policy is ANON-02
	Label     events.Word `json:"label,omitempty"`  // what the recipient is told that it is; default, and only: anonymously_processed_information
	Format    events.Word `json:"format,omitempty"` // csv (default) or parquet
}

// DatasetJoin names what a dataset would be joined with: categories of people, or other datasets.
type DatasetJoin struct {
	With    []events.Word `json:"with"`
	Purpose events.Word   `json:"purpose,omitempty"`
}

// DatasetFile describes bytes that are handed out.
type DatasetFile struct {
	Name string
	Type string // media type
	Size int64  // bytes
}
