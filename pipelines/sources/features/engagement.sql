-- How people answer what is sent to them, and what they look at.
with redemptions as (
  select
    person_no,
    count(*) as redemptions,
    ($window_end::date - 1) - max(redeemed_at)::date as days_since
  from coupon_redemptions
  where redeemed_at < $window_end
  group by person_no
),
mailings as (
  select
    person_no,
    count(distinct campaign_id) as campaigns
  from campaign_recipients
  where sent_at < $window_end
  group by person_no
),
emails as (
  select
    person_no,
    count(*) filter (event = 'sent' and occurred_at >= $window_end - interval 180 days) as sent_180d,
    ($window_end::date - 1) - (max(occurred_at) filter (event = 'clicked'))::date as days_since_click
  from email_events
  where occurred_at < $window_end
  group by person_no
),
visits as (
  select
    person_no,
    count(*) filter (event = 'product_view') as product_views_14d,
    count(*) filter (event = 'cart_add') as cart_adds_14d
  from web_events
  where occurred_at < $window_end
    and occurred_at >= $window_end - interval 14 days
  group by person_no
),
latest_answers as (
  select
    person_no,
    question,
    arg_max(answer, answered_at) as answer
  from survey_answers
  where answered_at < $window_end
  group by person_no, question
),
scores as (
  select
    person_no,
    avg(try_cast(answer as double)) filter (starts_with(question, 'sustainability_')) as sustainability
  from latest_answers
  group by person_no
),
tickets as (
  select
    person_no,
    count(*) as open,
    count(*) filter (category = 'complaint') as complaints
  from support_tickets
  where opened_at < $window_end
    and (closed_at is null or closed_at >= $window_end)
  group by person_no
),
active_contacts as (
  select
    members.account_id,
    count(distinct members.person_no) as contacts
  from account_members as members
  semi join (
    select person_no
    from orders
    where ordered_at < $window_end
      and ordered_at >= $window_end - interval 30 days
  ) as recent
    using (person_no)
  group by members.account_id
),
employers as (
  select
    members.person_no,
    max(accounts.employees) as employees,
    max(coalesce(active_contacts.contacts, 0)) as contacts
  from account_members as members
  join accounts
    using (account_id)
  left join active_contacts
    using (account_id)
  group by members.person_no
)
select
  people.person_no,
  coalesce(redemptions.redemptions, 0)::integer as coupons_redeemed_ever, -- Coupons redeemed since the records began.
  redemptions.days_since::integer as days_since_coupon, -- Days from the last redeemed coupon to as_of; null before any.
  coalesce(mailings.campaigns, 0)::integer as campaigns_received_ever, -- Campaigns received since the records began.
  coalesce(emails.sent_180d, 0)::integer as emails_sent_180d, -- E-mails sent in the last 180 days.
  emails.days_since_click::integer as days_since_email_click, -- Days from the last click in an e-mail to as_of; null before any.
  coalesce(visits.product_views_14d, 0)::integer as product_views_14d, -- Product pages viewed in the last 14 days.
  coalesce(visits.cart_adds_14d, 0)::integer as cart_adds_14d, -- Products put into the cart in the last 14 days.
  scores.sustainability::double as sustainability_score, -- Mean of the latest answers to sustainability_*, 1 to 5; null without an answer.
  employers.employees::integer as account_employees, -- Employees of the largest company the person is a contact of; null for nobody's contact.
  coalesce(employers.contacts, 0)::integer as account_active_contacts, -- Contacts of that company who ordered in the last 30 days.
  coalesce(tickets.open, 0)::integer as open_tickets, -- Support tickets that are open at the end of the day.
  coalesce(tickets.complaints, 0)::integer as open_complaints -- Of these, complaints.
from present_people as people
left join redemptions
  using (person_no)
left join mailings
  using (person_no)
left join emails
  using (person_no)
left join visits
  using (person_no)
left join scores
  using (person_no)
left join employers
  using (person_no)
left join tickets
  using (person_no)
