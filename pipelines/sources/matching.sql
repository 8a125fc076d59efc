-- What two spellings of one e-mail address or one phone number have in common. Meant to match too much rather than
-- too little: it only ever takes people out.

-- Full-width characters, as East Asian keyboards write them, become ASCII; blanks and invisible marks go.
create or replace temp macro plain_email(written) as
  regexp_replace(
    translate(
      lower(written),
      '０１２３４５６７８９ａｂｃｄｅｆｇｈｉｊｋｌｍｎｏｐｑｒｓｔｕｖｗｘｙｚＡＢＣＤＥＦＧＨＩＪＫＬＭＮＯＰＱＲＳＴＵＶＷＸＹＺ＠．－＿＋',
      '0123456789abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz@.-_+'
    ),
    '[\s\p{Z}\p{Cf}\p{Cc}]',
    '',
    'g'
  );

create or replace temp macro match_email(written) as (
  with plain as (
    select plain_email(written) as address
  ),
  split as (
    select
      address,
      regexp_replace(regexp_replace(address, '@[^@]*$', ''), '\+.*$', '') as mailbox,
      regexp_extract(address, '@([^@]*)$', 1) as domain
    from plain
  )
  select
    case
      when domain in ('gmail.com', 'googlemail.com') then replace(mailbox, '.', '') || '@gmail.com'
      when domain <> '' and mailbox <> '' then mailbox || '@' || domain
      -- A malformed address still matches itself; a word such as "none" must not match its like.
      when contains(address, '.') and length(address) >= 6 then address
    end
  from split
);

-- The last ten digits: a number with and without its country code, or with a leading 0, is one number.
create or replace temp macro match_phone(written) as (
  with digits as (
    select regexp_replace(written, '[^0-9]', '', 'g') as all_digits
  )
  select
    case
      -- Seven digits are the shortest subscriber number; one digit over and over is a placeholder.
      when length(all_digits) >= 7 and replace(all_digits, all_digits[1], '') <> '' then right(ltrim(all_digits, '0'), 10)
    end
  from digits
);

-- A digest cannot be folded, so an address stands for two: as it is, and as it matches others.
create or replace temp macro digests_of_email(written) as
  [sha256(plain_email(written)), sha256(match_email(written))];

-- What a source says is the SHA-256 of an address, in hex.
create or replace temp macro match_digest(written) as
  case
    when regexp_full_match(lower(trim(written)), '[0-9a-f]{64}') then lower(trim(written))
  end;
