-- A database of the second version of the tables, as the build of that time wrote it
-- (pg_dump --inserts, without the settings).

CREATE TABLE public.carrierfsm_cursors (
    until timestamp with time zone NOT NULL,
    fence bigint NOT NULL,
    "position" bigint NOT NULL,
    settled bigint NOT NULL,
    candidate bigint NOT NULL,
    bound bigint NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    owner text NOT NULL COLLATE pg_catalog."C",
    lows bigint[] NOT NULL,
    highs bigint[] NOT NULL,
    bounds bigint[] NOT NULL
)
WITH (fillfactor='50');

CREATE SEQUENCE public.carrierfsm_position
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

CREATE TABLE public.carrierfsm_history (
    "position" bigint DEFAULT nextval('public.carrierfsm_position'::regclass) NOT NULL,
    at timestamp with time zone NOT NULL,
    step integer NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C",
    from_ text NOT NULL COLLATE pg_catalog."C",
    event text NOT NULL COLLATE pg_catalog."C",
    to_ text NOT NULL COLLATE pg_catalog."C",
    detail bytea
);

CREATE TABLE public.carrierfsm_parked (
    since timestamp with time zone NOT NULL,
    next timestamp with time zone NOT NULL,
    version bigint NOT NULL,
    step integer NOT NULL,
    upto integer NOT NULL,
    attempts integer NOT NULL,
    handler text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C",
    why text NOT NULL COLLATE pg_catalog."C"
);

CREATE TABLE public.carrierfsm_schema (
    version integer NOT NULL,
    "least" integer DEFAULT 1 NOT NULL
);

CREATE TABLE public.carrierfsm_verifications (
    due timestamp with time zone,
    created timestamp with time zone NOT NULL,
    updated timestamp with time zone NOT NULL,
    version bigint NOT NULL,
    step integer NOT NULL,
    tables integer NOT NULL,
    in_flight boolean NOT NULL,
    commit_id bytea NOT NULL,
    id text NOT NULL COLLATE pg_catalog."C",
    state text NOT NULL COLLATE pg_catalog."C",
    source text NOT NULL COLLATE pg_catalog."C",
    reason text NOT NULL COLLATE pg_catalog."C",
    key text NOT NULL COLLATE pg_catalog."C",
    body bytea NOT NULL
)
WITH (autovacuum_vacuum_scale_factor='0.05');

INSERT INTO public.carrierfsm_cursors VALUES ('2026-11-29 10:18:50.09+08', 1, 1, 0, 2, 733, 'notify', '', '{}', '{}', '{}');

INSERT INTO public.carrierfsm_history VALUES (1, '2030-06-01 20:00:00+08', 1, 'v1', 'awaiting_captcha', 'captcha_rejected', 'awaiting_captcha', '\x64657461696c206f66207631');
INSERT INTO public.carrierfsm_history VALUES (2, '2030-06-01 20:00:00+08', 1, 'v2', 'awaiting_captcha', 'captcha_rejected', 'awaiting_captcha', '\x64657461696c206f66207632');

INSERT INTO public.carrierfsm_parked VALUES ('2030-06-01 20:00:00+08', '2030-06-01 20:00:00+08', 1, 1, 1, 1, 'notify', 'v1', 'the gateway is down');

INSERT INTO public.carrierfsm_schema VALUES (1, 1);
INSERT INTO public.carrierfsm_schema VALUES (2, 1);

INSERT INTO public.carrierfsm_verifications VALUES ('2030-06-01 20:00:00+08', '2030-06-01 20:00:00+08', '2030-06-01 20:00:00+08', 2, 1, 1, false, '\x02000000000000000000000000000000', 'v1', 'awaiting_captcha', 'chinamobilejs', 'captcha_rejected', 'key of v1', '\x626f6479206f66207631');
INSERT INTO public.carrierfsm_verifications VALUES ('2030-06-01 20:00:00+08', '2030-06-01 20:00:00+08', '2030-06-01 20:00:00+08', 2, 1, 1, false, '\x02000000000000000000000000000000', 'v2', 'awaiting_captcha', 'chinamobilejs', 'captcha_rejected', 'key of v2', '\x626f6479206f66207632');

SELECT pg_catalog.setval('public.carrierfsm_position', 2, true);

ALTER TABLE ONLY public.carrierfsm_cursors
    ADD CONSTRAINT carrierfsm_cursors_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.carrierfsm_history
    ADD CONSTRAINT carrierfsm_history_pkey PRIMARY KEY ("position");

ALTER TABLE ONLY public.carrierfsm_parked
    ADD CONSTRAINT carrierfsm_parked_pkey PRIMARY KEY (handler, id);

ALTER TABLE ONLY public.carrierfsm_schema
    ADD CONSTRAINT carrierfsm_schema_pkey PRIMARY KEY (version);

ALTER TABLE ONLY public.carrierfsm_verifications
    ADD CONSTRAINT carrierfsm_verifications_pkey PRIMARY KEY (id);

CREATE INDEX carrierfsm_created ON public.carrierfsm_verifications USING btree (created);

CREATE INDEX carrierfsm_due ON public.carrierfsm_verifications USING btree (due) WHERE (due IS NOT NULL);

CREATE INDEX carrierfsm_ended ON public.carrierfsm_verifications USING btree (updated) WHERE (state = ANY (ARRAY['done'::text, 'failed'::text]));

CREATE INDEX carrierfsm_history_id ON public.carrierfsm_history USING btree (id);

CREATE UNIQUE INDEX carrierfsm_key ON public.carrierfsm_verifications USING btree (key) WHERE (key <> ''::text);

CREATE INDEX carrierfsm_parked_id ON public.carrierfsm_parked USING btree (id);

CREATE INDEX carrierfsm_parked_next ON public.carrierfsm_parked USING btree (handler, next, id);

