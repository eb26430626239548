// Package watermill is ThreeDotsLabs/watermill-sql: messages in a table of PostgreSQL,
// which a subscriber reads in batches.
package watermill

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill-sql/v4/pkg/sql"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
)

// The names in the report. Name has the default batches of 100 messages, and Tuned ten
// times as many.
const (
	Name  = "ThreeDotsLabs/watermill-sql"
	Tuned = "ThreeDotsLabs/watermill-sql, tuned"
)

const (
	topic = "transitions"
	// tunedBatch is how many messages the subscriber reads at once.
	tunedBatch = 1000
	// insertBatch is how many messages are published at once. It is not measured.
	insertBatch = 1000
)

// Deliver publishes n messages, and then measures how long a subscriber takes to get
// and acknowledge all of them.
func Deliver(ctx context.Context, p subject.Storage, n int) (time.Duration, error) {
	return deliver(ctx, p, n, 0)
}

// DeliverTuned is Deliver for Tuned.
func DeliverTuned(ctx context.Context, p subject.Storage, n int) (time.Duration, error) {
	return deliver(ctx, p, n, tunedBatch)
}

// deliver reads so many messages at once; 0 for the default.
func deliver(ctx context.Context, p subject.Storage, n, batch int) (took time.Duration, err error) {
	pool, err := pgxpool.New(ctx, p.DSN)
	if err != nil {
		return 0, err
	}
	defer pool.Close()
	db, schema := sql.BeginnerFromPgx(pool), sql.DefaultPostgreSQLSchema{SubscribeBatchSize: batch}
	subscriber, err := sql.NewSubscriber(db, sql.SubscriberConfig{
		ConsumerGroup: "notify", SchemaAdapter: schema, OffsetsAdapter: sql.DefaultPostgreSQLOffsetsAdapter{},
	}, watermill.NopLogger{})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, subscriber.Close()) }()
	if err := subscriber.SubscribeInitialize(topic); err != nil {
		return 0, err
	}
	publisher, err := sql.NewPublisher(db, sql.PublisherConfig{SchemaAdapter: schema}, watermill.NopLogger{})
	if err != nil {
		return 0, err
	}
	if err := errors.Join(publish(publisher, n), publisher.Close()); err != nil {
		return 0, err
	}
	begun := time.Now()
	messages, err := subscriber.Subscribe(ctx, topic)
	if err != nil {
		return 0, err
	}
	for i := range n {
		select {
		case m, open := <-messages:
			if !open {
				return 0, fmt.Errorf("watermill: the subscription ended after %d messages", i)
			}
			m.Ack()
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	return time.Since(begun), nil
}

// publish stores n messages of about the size of a transition.
func publish(to message.Publisher, n int) error {
	for n > 0 {
		list := make([]*message.Message, min(n, insertBatch))
		for i := range list {
			list[i] = message.NewMessage(uuid.NewString(), []byte(`{"from":"awaiting_captcha","event":"collection_started","to":"done"}`))
		}
		if err := to.Publish(topic, list...); err != nil {
			return err
		}
		n -= len(list)
	}
	return nil
}
