"""What `scrub` and `scrub_result` must remove, and what they must keep. Both lists only grow."""

import hashlib
import random
import re
import string
import uuid

_ALPHABETS = {
    "a": string.ascii_letters + string.digits,
    "l": string.ascii_lowercase + string.digits,
    "u": string.ascii_uppercase + string.digits,
    "z": string.ascii_lowercase,
    "h": "0123456789abcdef",
    "H": "0123456789ABCDEF",
    "d": string.digits,
    "w": string.ascii_letters + string.digits + "_-",
    "b": string.ascii_letters + string.digits + "+/",
    "t": string.ascii_uppercase + "234567",
}

#: Keys in a form that their vendor documents. `{a36}` is 36 characters of the alphabet `a`, `{uuid}` a UUID.
DOCUMENTED = {
    "1Password service account": "ops_eyJ{b250}",
    "1Password secret key": "A3-{u6}-{u6}-{u5}-{u5}-{u5}-{u5}",
    "Adafruit": "aio_{a28}",
    "Adobe": "p8e-{a32}",
    "Age": "AGE-SECRET-KEY-1{t58}",
    "Airtable": "pat{a14}.{h64}",
    "Alibaba": "LTAI{a20}",
    "Anthropic": "sk-ant-api03-{w93}AA",
    "Anthropic admin": "sk-ant-admin01-{w93}AA",
    "Artifactory": "AKCp{a69}",
    "Asana": "1/{d16}:{h32}",
    "Atlassian": "ATATT3xFfGF0{w180}={H8}",
    "AWS access key": "AKIA{t16}",
    "AWS temporary key": "ASIA{t16}",
    "AWS secret key": "{b40}",
    "AWS Bedrock": "ABSK{b109}",
    "Azure client secret": "{a3}8Q~{a34}",
    "Azure DevOps": "{a76}AZDO{a4}",
    "Azure storage": "{b86}==",
    "Bitbucket": "ATBB{a28}{H8}",
    "Brevo": "xkeysib-{h64}-{a16}",
    "Brevo SMTP": "xsmtpsib-{h64}-{a16}",
    "Cerebras": "csk-{l48}",
    "Clerk": "sk_live_{a42}",
    "Clojars": "CLOJARS_{l60}",
    "ClickUp": "pk_{d8}_{u32}",
    "Cloudflare origin": "v1.0-{h24}-{h146}",
    "Contentful": "CFPAT-{w43}",
    "Databricks": "dapi{h32}",
    "Datadog": "{h32}",
    "DigitalOcean": "dop_v1_{h64}",
    "Discord": "MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.{w27}",
    "Docker": "dckr_pat_{w27}",
    "Doppler": "dp.pt.{a43}",
    "Doppler service": "dp.st.prd.{a43}",
    "Dropbox": "sl.{w135}",
    "Duffel": "duffel_test_{w43}",
    "Dynatrace": "dt0c01.{u24}.{u64}",
    "E2B": "e2b_{h40}",
    "EasyPost": "EZAK{a54}",
    "ElevenLabs": "sk_{h48}",
    "Facebook": "EAACEdEose0cBA{a60}",
    "Fastly": "{w32}",
    "Figma": "figd_{w40}",
    "Firecrawl": "fc-{h32}",
    "Fireworks": "fw_{a24}",
    "Flutterwave": "FLWSECK_TEST-{h32}-X",
    "Fly.io": "fo1_{w43}",
    "Frame.io": "fio-u-{w64}",
    "GitHub": "ghp_{a36}",
    "GitHub app": "ghs_{a36}",
    "GitHub fine-grained": "github_pat_{a22}_{a59}",
    "GitLab": "glpat-{w20}",
    "GitLab runner": "glrt-{w20}",
    "GitLab trigger": "glptt-{h40}",
    "Google API key": "AIza{w35}",
    "Google OAuth": "ya29.{w68}",
    "Google client secret": "GOCSPX-{w28}",
    "Google refresh token": "1//0{w40}",
    "Grafana": "glsa_{a32}_{h8}",
    "Grafana Cloud": "glc_{b64}",
    "Groq": "gsk_{a52}",
    "Harness": "pat.{a22}.{h24}.{a20}",
    "HashiCorp Vault": "hvs.{w90}",
    "Heroku": "HRKU-{uuid}",
    "HubSpot": "pat-na1-{uuid}",
    "HubSpot in Europe": "pat-eu1-{uuid}",
    "Hugging Face": "hf_{a34}",
    "Infracost": "ico-{a32}",
    "Intra42": "s-s4t2ud-{h64}",
    "Jina": "jina_{a32}",
    "JSON Web Token": "eyJhbGciOiJIUzI1NiJ9.eyJ{w40}.{w43}",
    "Langfuse": "sk-lf-{uuid}",
    "Langfuse public": "pk-lf-{uuid}",
    "LangSmith": "lsv2_pt_{h32}_{h10}",
    "LaunchDarkly": "sdk-{uuid}",
    "LaunchDarkly API": "api-{uuid}",
    "Linear": "lin_api_{a40}",
    "LlamaCloud": "llx-{a48}",
    "Mailchimp": "{h32}-us12",
    "Mailgun": "key-{h32}",
    "Mailgun new": "{h32}-{h8}-{h8}",
    "Mapbox": "sk.eyJ{w60}.{w22}",
    "MaxMind": "{a6}_{a29}_mmk",
    "Mollie": "live_{a30}",
    "Neon": "napi_{l64}",
    "Netlify": "nfp_{a36}",
    "New Relic": "NRAK-{u27}",
    "Notion": "ntn_{a46}",
    "Notion old": "secret_{a43}",
    "npm": "npm_{a36}",
    "NuGet": "oy2{l43}",
    "NVIDIA": "nvapi-{w64}",
    "Octopus Deploy": "API-{u26}",
    "Okta": "00{w40}",
    "OpenAI": "sk-proj-{w74}T3BlbkFJ{w74}",
    "OpenAI old": "sk-{a20}T3BlbkFJ{a20}",
    "OpenRouter": "sk-or-v1-{h64}",
    "OpenShift": "sha256~{w43}",
    "PayPal Braintree": "access_token$production${l16}${h32}",
    "Perplexity": "pplx-{a48}",
    "Pinecone": "pcsk_{a6}_{a60}",
    "Plaid": "access-sandbox-{uuid}",
    "Plaid public": "public-production-{uuid}",
    "PlanetScale": "pscale_tkn_{w43}",
    "Polar": "polar_oat_{a43}",
    "PostHog": "phx_{a43}",
    "Postman": "PMAK-{h24}-{h34}",
    "Prefect": "pnu_{l36}",
    "Pulumi": "pul-{h40}",
    "PyPI": "pypi-AgEIcHlwaS5vcmc{w100}",
    "RapidAPI": "{l10}msh{l15}p1{l6}jsn{l12}",
    "Razorpay": "rzp_live_{a14}",
    "ReadMe": "rdme_{l70}",
    "Render": "rnd_{a32}",
    "Replicate": "r8_{a37}",
    "Resend": "re_{a8}_{a24}",
    "RubyGems": "rubygems_{h48}",
    "Salesforce": "00D{a12}!AQ{a96}",
    "Scalingo": "tk-us-{w48}",
    "SendGrid": "SG.{w22}.{w43}",
    "Sentry": "sntrys_eyJ{b80}_{b43}",
    "Sentry user": "sntryu_{h64}",
    "Shippo": "shippo_live_{h40}",
    "Shopify": "shpat_{h32}",
    "Shopify secret": "shpss_{h32}",
    "Slack bot": "xoxb-{d12}-{d12}-{a24}",
    "Slack app": "xapp-1-A{u10}-{d13}-{h64}",
    "Slack refresh": "xoxe-1-{a146}",
    "SonarQube": "squ_{h40}",
    "Sourcegraph": "sgp_{h16}_{h40}",
    "Square": "EAAA{w60}",
    "Square OAuth": "sq0atp-{w22}",
    "Stripe": "sk_live_{a24}",
    "Stripe restricted": "rk_test_{a99}",
    "Stripe webhook": "whsec_{a32}",
    "Stripe client secret": "pi_{a24}_secret_{a25}",
    "Supabase": "sbp_{h40}",
    "Supabase secret": "sb_secret_{w31}",
    "Tailscale": "tskey-auth-{a12}CNTRL-{a32}",
    "Tavily": "tvly-{a32}",
    "Telegram": "{d10}:AA{w33}",
    "Terraform Cloud": "{a14}.atlasv1.{w67}",
    "Together": "{h64}",
    "Twilio": "SK{h32}",
    "Typeform": "tfp_{w59}",
    "Vercel Blob": "vercel_blob_rw_{a16}_{a30}",
    "Voyage": "pa-{w43}",
    "WooCommerce": "ck_{h40}",
    "xAI": "xai-{a80}",
    "Yandex": "AQVN{w35}",
    "Zoho": "1000.{h32}.{h32}",
}

#: Texts around a key that do not name it.
CONTEXTS = [
    "%s",
    "Could not reach the shop with %s.",
    "refused: %s, order A-1001",
    "(%s) is not valid here",
    '{"message": "bad value %s", "code": 17}',
    "{'k': '%s', 'order': 17}",
    "x=%s&y=1",
    "client = Client('%s')",
    'export K="%s"',
    "curl -H 'X-Shop: %s' failed with 22",
    "| shop | %s |",
    "shop: %s\nregion: eu",
    "<b>%s</b> was not accepted",
    "`%s` was not accepted",
    "invalid header value b'%s'",
    "2026-11-27 10:00:00 ERROR shop %s is refused",
    "- %s",
    "shop,%s,eu",
    "Invalid value:\n\t%s\n",
    "\\n%s\\n",
    "https://x.example/a/%s/b",
    "id=%s;",
    "~%s",
]

_PART = re.compile(r"\{(?:uuid|([a-zA-Z])(\d+))\}")


def planted(form: str, seed: int) -> str:
    """Return a key of this form; each seed gives another."""
    chance = random.Random(f"{form} {seed}")  # noqa: S311 -- these keys open nothing.

    def spell(match: re.Match[str]) -> str:
        if match[1] is None:
            return str(uuid.UUID(int=chance.getrandbits(128), version=4))
        return "".join(chance.choices(_ALPHABETS[match[1]], k=int(match[2])))

    return _PART.sub(spell, form)


KEY = "q7Zr2mX9Lw4TbK8vN3pJ"
SHA = hashlib.sha256(b"x").hexdigest()

#: A text, and the part that must not remain.
GOES = [
    # Names of passwords in JSON, YAML, INI, logs
    ("pass: hunter2", "hunter2"),
    ("pass=hunter2", "hunter2"),
    ('{"user": "bob", "pass": "hunter"}', "hunter"),
    ('{"user":"bob","pass":"hunter2"}', "hunter2"),
    ("{'pass': 'hunter2'}", "hunter2"),
    ("db:\n  user: bob\n  pass: swordfish\n", "swordfish"),
    ("user bob, pass: swordfish", "swordfish"),
    ("db_pass: swordfish", "swordfish"),
    ("DB_PASS=swordfish", "swordfish"),
    ("smtpPass: 'sword fish'", "sword fish"),
    ("passw: hunter2", "hunter2"),
    ("pswd=hunter2", "hunter2"),
    ("psw: hunter2", "hunter2"),
    ("creds: bob/hunter2", "hunter2"),
    ("login: bob password: hunter2", "hunter2"),
    ("pass word: hunter2", "hunter2"),
    ("pass-word = hunter2", "hunter2"),
    ("passkey: 7f-Hx92-qqL", "7f-Hx92-qqL"),
    ("password:\n  hunter2\nuser: bob", "hunter2"),
    ("password: |\n  hunter2\nuser: bob", "hunter2"),
    ("password: >-\n  hunter2 and more\nuser: bob", "hunter2 and more"),
    ("- name: DB_PASSWORD\n  value: swordfish", "swordfish"),
    ('{"name": "DB_PASSWORD", "value": "swordfish"}', "swordfish"),
    ('{"key": "api_key", "type": "text", "value": "swordfish"}', "swordfish"),
    ("jwt: abc.def-123", "abc.def-123"),
    ("verification code: 123456", "123456"),
    ("Your one-time code is 482913", "482913"),
    ("recovery code: 8f3k-22mn", "8f3k-22mn"),
    ("machine db login bob password swordfish", "swordfish"),
    # Command lines
    ("mysql -u root -phunter2 shop failed", "hunter2"),
    ("mysql -u root -p hunter2 shop failed", "hunter2"),
    ("mysqldump -h db -u root -p'sword fish' shop", "sword fish"),
    ("sshpass -p swordfish ssh bob@db", "swordfish"),
    ("curl -u bob:swordfish https://shop.example/x", "swordfish"),
    ("curl --user 'bob:swordfish' shop.example", "swordfish"),
    ("redis-cli -h db -a swordfish ping", "swordfish"),
    ("docker login -u bob -p swordfish registry.example", "swordfish"),
    ("mongosh --username bob -p swordfish", "swordfish"),
    ("sqlcmd -S db -U sa -P swordfish", "swordfish"),
    ("connect -p hunter2-and-more", "hunter2-and-more"),
    ("psql --pass swordfish", "swordfish"),
    ("PGPASSWORD=swordfish psql shop", "swordfish"),
    ("htpasswd -b users bob swordfish", "swordfish"),
    ("openssl rsa -passin pass:swordfish", "swordfish"),
    ("net use z: \\\\db\\x /user:bob swordfish7", "swordfish7"),
    ("smbclient //db/x -U bob%swordfish", "swordfish"),
    # SQL
    ("CREATE USER bob IDENTIFIED BY 'swordfish'", "swordfish"),
    ("CREATE USER bob IDENTIFIED BY swordfish;", "swordfish"),
    ("ALTER USER 'bob'@'%' IDENTIFIED WITH mysql_native_password BY 'swordfish'", "swordfish"),
    ("ALTER ROLE bob WITH ENCRYPTED PASSWORD 'swordfish'", "swordfish"),
    ("CREATE LOGIN bob WITH PASSWORD = N'swordfish'", "swordfish"),
    ("SET PASSWORD FOR 'bob'@'db' = 'swordfish'", "swordfish"),
    ("INSERT INTO users (name, password) VALUES ('bob', 'swordfish')", "swordfish"),
    ("[SQL: INSERT INTO users (name, password) VALUES (?, ?)]\n[parameters: ('bob', 'swordfish')]", "swordfish"),
    # Multipart, XML, tables
    ('--x\r\nContent-Disposition: form-data; name="password"\r\n\r\nswordfish\r\n--x--', "swordfish"),
    ('--x\nContent-Disposition: form-data; name="pass"\nContent-Type: text/plain\n\nswordfish\n--x--', "swordfish"),
    (repr('--x\r\nContent-Disposition: form-data; name="password"\r\n\r\nswordfish\r\n--x--'), "swordfish"),
    ('<input type="password" name="pw" value="swordfish">', "swordfish"),
    ("| user | bob |\n| password | swordfish |", "swordfish"),
    ("| user | password |\n|---|---|\n| bob | swordfish |\n| eve | catfish |", "swordfish"),
    ("| user | password |\n|---|---|\n| bob | swordfish |\n| eve | catfish |", "catfish"),
    ("user,password,role\nbob,swordfish,admin\neve,catfish,user", "catfish"),
    ("USER     PASSWORD     ROLE\nbob      swordfish    admin", "swordfish"),
    ("user\tpassword\nbob\tswordfish", "swordfish"),
    (" user | password \n------+-----------\n bob  | swordfish\n(1 row)", "swordfish"),
    ("user      bob\npassword  swordfish", "swordfish"),
    ("password\tswordfish", "swordfish"),
    # Other languages
    ("密码：hunter2", "hunter2"),
    ("密码是hunter2", "hunter2"),
    ("您的密码为 hunter2。", "hunter2"),
    ("密钥: abcd1234", "abcd1234"),
    ("令牌=abcd1234", "abcd1234"),
    ("पासवर्ड: hunter2", "hunter2"),
    ("आपका पासवर्ड hunter2 है", "hunter2"),
    ("कुंजी: abcd1234", "abcd1234"),
    ("contraseña: hunter2", "hunter2"),
    ("Contraseña: mariposa", "mariposa"),
    ("la contraseña es hunter2", "hunter2"),
    ("contrasen\u0303a: hunter2", "hunter2"),
    ('"contraseña": "mariposa"', "mariposa"),
    ("clave: abcd1234", "abcd1234"),
    ("mot de passe : hunter2", "hunter2"),
    ("le mot de passe est hunter2", "hunter2"),
    ("Mot de passe : papillon", "papillon"),
    ("mdp: hunter2", "hunter2"),
    ("clé API : abcd1234", "abcd1234"),
    ("jeton : abcd1234", "abcd1234"),
    ("كلمة المرور: hunter2", "hunter2"),
    ("كلمة السر هي hunter2", "hunter2"),
    ("مفتاح: abcd1234", "abcd1234"),
    ("رمز الدخول: abcd1234", "abcd1234"),
    ("পাসওয়ার্ড: hunter2", "hunter2"),
    ("টোকেন: abcd1234", "abcd1234"),
    ("senha: hunter2", "hunter2"),
    ("a senha é hunter2", "hunter2"),
    ("Senha: borboleta", "borboleta"),
    ("palavra-passe: hunter2", "hunter2"),
    ("chave: abcd1234", "abcd1234"),
    ("пароль: hunter2", "hunter2"),
    ("Пароль: qwerty", "qwerty"),
    ("ваш пароль — hunter2", "hunter2"),
    ("токен: abcd1234", "abcd1234"),
    ("ключ: abcd1234", "abcd1234"),
    ("پاس ورڈ: hunter2", "hunter2"),
    ("ٹوکن: abcd1234", "abcd1234"),
    ("kata sandi: hunter2", "hunter2"),
    ("kunci: abcd1234", "abcd1234"),
    ("Passwort: hunter2", "hunter2"),
    ("das Passwort ist hunter2", "hunter2"),
    ("Passwort: Schmetterling", "Schmetterling"),
    ("Kennwort = hunter2", "hunter2"),
    ("Schlüssel: abcd1234", "abcd1234"),
    ("パスワード：hunter2", "hunter2"),
    ("パスワードはhunter2です", "hunter2"),
    ("비밀번호: hunter2", "hunter2"),
    ("şifre: hunter2", "hunter2"),
    ("parola: hunter2", "hunter2"),
    # Letters that are split, or only look alike
    ("\U0001d429\U0001d41a\U0001d42c\U0001d42c\U0001d430\U0001d428\U0001d42b\U0001d41d: hunter2", "hunter2"),
    ("ⓟⓐⓢⓢⓦⓞⓡⓓ: hunter2", "hunter2"),
    ("раssword: hunter2", "hunter2"),
    ("p\u0332a\u0332s\u0332s\u0332w\u0332o\u0332r\u0332d\u0332: hunter2", "hunter2"),
    ("p a s s w o r d : hunter2", "hunter2"),
    ("p.a.s.s.w.o.r.d: hunter2", "hunter2"),
    ("p\u00ada\u00adssword: hunter2", "hunter2"),
    (f"ｓｋ－live－{KEY}", KEY),
    (f"ѕk-live-{KEY}", KEY),
    # Cards and accounts
    ("card 4111 1111 1111 1111 was declined", "1111 1111"),
    ("card 4111111111111111 was declined", "41111111"),
    ("card 5555-5555-5555-4444 was declined", "5555-4444"),
    ("amex 378282246310005", "3782822"),
    ("IBAN DE89 3704 0044 0532 0130 00", "3704 0044"),
    ("account DE89370400440532013000", "37040044"),
    ("to GB29NWBK60161331926819 by Monday", "NWBK6016"),
    # Hashes of passwords
    ("bob:$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW", "R9h/cIPz0gi"),
    ("root:$6$saltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2/jctKu9YterLp8wwnSq.qc", "qFmFH"),
    # A name within a name, a value in braces
    ("connect(user='bob', secret_access_key='a b')", "a b"),
    ("token_value = abc-def", "abc-def"),
    (f"X-Amz-Signature={SHA}", SHA[:16]),
]

STAYS = [
    "Order A-1001 was not found. Check the id and look it up again.",
    "ORD-2024-000123, #12345 and INV-2026-11-23-000123-EUR are on hold",
    "The refund of $49.99 (or 49,99 EUR, 1.234,50 €) is larger than the amount paid",
    "between 2026-11-23 and 2026/11/24 at 14:30, 14:30:05 or 2026-11-23T14:30:00Z",
    "11/23/2026, P1DT2H30M, PT0.5S, 3 h 20 min",
    "and/or, 24/7, km/h, 1/2, n/a, he/she/they",
    "needs version 1.2.3 or v2.0.0rc1, not 10.4",
    "order_id: must match A-[0-9]+, got A-17",
    "order_id: Input should be a valid integer, unable to parse string as an integer",
    "Order 123e4567-e89b-12d3-a456-426614174000 is closed",
    "order-123e4567-e89b-12d3-a456-426614174000 is closed",
    "Call +49 30 1234567 or (555) 010-9999",
    "Your password is too short",
    "password: String should have at least 8 characters",
    "api_key: Field required",
    "The token is expired. A new token was sent.",
    "Authorization: required",
    "The API key is missing; the session is full; your password must be changed.",
    "Bearer authentication is required",
    "The basic plan has no refunds. Basic Subscription is cheaper.",
    "max_tokens: 8192 is over the limit, tokens: 12, token_count=5",
    "password_min_length=8, token_type: access, session_timeout=30",
    "KeyError: 'order_id'",
    "Use order_confirmation_number and customer_billing_address_line_2",
    "ResourceExhaustedException and OAuth2ClientCredentialsGrant",
    "httpx.ConnectError while reading orders.csv from shop.example",
    "qty: 3, ratio 1:10, line:42, id:12345, std::vector",
    "a < b and c > d, x <= 3, 5 <3",
    "Usage: refund <order_id>",
    "AT&T and R&D, 100% sure, 50%, 5 % off",
    "Größe 43 ist ausverkauft. 注文が見つかりません。",
    "secretary, tokenizer, passenger, keyboard, pinned: true",
    "Ask @support or see #orders",
    "Fields missing: 'password', 'email'",
    "json: Unexpected token } in line 3",
    '{"error": "not_found", "order": 17, "retry": false}',
    # Ids of payment services and models
    "Payment pi_3MtwBwLkdIwHu7ix28a3tqPa was declined",
    "Charge ch_3LmjoTLkdIwHu7ix0y8cZ4eK was refunded",
    "Invoice in_1MtHbELkdIwHu7ixl4OzzPMv is overdue",
    "Subscription sub_1MowQVLkdIwHu7ixeRlqHVzs ended",
    "Customer cus_NffrFeUfNV2Hib has two cards, pm_1MqLiJLkdIwHu7ixUEgbFdYF is the first",
    "Refund re_1Nispe2eZvKYlo2Cd31jOCgZ and payout po_1OaFDbEcg9tTZuTgNYmX0PKB",
    "Request req_011CSHoEeqs5C35K2UUqR7Fy failed, see evt_1NG8Du2eZvKYlo2CUI79vXWy",
    "order_DBJOWzybf0sJbb, pay_29QQoUBi66xm2f and rfnd_FP8QHiV938haTz are on hold",
    "thread_abc123DEF456ghi789JKL012 has msg_01XFDUDYJgAACzvnptvVoYEL and toolu_01A09q90qw90lq917835lq9",
    "call_62136354Qx7Zr2mX9Lw4TbK8 was answered",
    # ULIDs, object ids, hashes, versions
    "Order 01ARZ3NDEKTSV4RRFFQ69G5FAV is closed",
    "order_01h2xcejqtf2nbrexx3vqjhp41 is closed",
    "Order 507f1f77bcf86cd799439011 is closed",
    "ObjectId('507f1f77bcf86cd799439011') was not found",
    "Commit 9fceb02d0ae598e95dc970b74767f19372d61af8 is not on main",
    "HEAD is now at 9fceb02d0ae598e95dc970b74767f19372d61af8",
    "build 9fceb02d0ae598e95dc970b74767f19372d61af8 was deployed at 10:00",
    f"image sha256:{SHA} was not found",
    "md5 d41d8cd98f00b204e9800998ecf8427e does not match",
    "trace id 4bf92f3577b34da6a3ce929d0e0e4736",
    "request_id: 4bf92f3577b34da6a3ce929d0e0e4736",
    "v1.2.3-0.20191109021931-daa7c04131f5 and 1.0.0-beta.11+exp.sha.5114f85 differ",
    "needs version 10.0.19041.1 or version 4.5.6.7",
    "react@18.2.0, left-pad@1.3.0 and actions@v4 are pinned",
    "subnet-0bb1c79de3aabbccd and i-0abcd1234ef567890 are gone",
    # Amounts, names, numbers
    "2@5 EUR, 3 @ 4.50, 10@2.50, 2x@5 EUR each",
    "Signature: John Smith",
    "signature: Anna-Lena Müller, Berlin",
    "Signature: J. O'Brien",
    "signature: illegible",
    "Next session: Monday 10:00, session: 3 of 5",
    "Boarding pass: gate B12. Season pass: 49 EUR. Ski pass: two days.",
    "pass: 12, fail: 3, skipped: 1",
    "PASS src: 12 of 12",
    "Tracking number 1Z999AA10123456784, ISBN 978-3-16-148410-0",
    "Amazon order 114-3941689-8772232, VIN 1HGCM82633A004352",
    "order number 1234567890123456 and 9876 5432 1098 7654",
    "IMEI 490154203237518 is locked",
    "Tax id DE123456789, article DE89 3704",
    "Size 40 1/2, 5 m², 1ª, nº 5, ½ price, ①, 20 ℃, 500 mℓ, №5, ™",
    "The key is under the mat; the key to this is patience",
    "The secret is good dough. Our secret: time and patience",
    "error code: 404, promo code: SAVE10, postal code: 10115",
    "Your verification code is wrong. The code: not valid.",
    "mkdir -p build2 failed; ssh -p 2222 timed out; pytest -p no:cacheprovider",
    "docker run -p 8080:80 failed",
    # Customers of other languages
    "Hola, olvidé mi contraseña y no puedo entrar.",
    "La contraseña es incorrecta. Contraseña: debe tener 8 caracteres.",
    "La clave: llegar temprano. La clave es la paciencia.",
    "J'ai oublié mon mot de passe. Mot de passe : oublié",
    "Le mot de passe est trop court. La clé est perdue.",
    "Ich habe mein Passwort vergessen. Passwort: ungültig",
    "Das Passwort ist falsch. Der Schlüssel ist weg. Passwort: Zurücksetzen geht nicht.",
    "Esqueci minha senha. Senha: inválida. A senha é obrigatória.",
    "Я забыл пароль. Пароль: неверный. Ключ потерян.",
    "我忘记了密码。密码：错误。密码是必填项。",
    "パスワードを忘れました。パスワードは8文字以上です。",
    "비밀번호를 잊어버렸어요. 비밀번호: 오류",
    "मैं अपना पासवर्ड भूल गया। पासवर्ड गलत है।",
    "نسيت كلمة المرور. كلمة المرور: غير صحيحة",
    "আমি পাসওয়ার্ড ভুলে গেছি। পাসওয়ার্ড: ভুল",
    "میں پاس ورڈ بھول گیا۔ پاس ورڈ: غلط",
    "Saya lupa kata sandi. Kata sandi: salah",
    "Şifremi unuttum. Şifre: yanlış",
    # Texts of customers and programs
    "My order #104512 hasn't arrived yet, can you check?",
    "I was charged twice on 12/03/2026: $19.99 and $19.99.",
    "The coupon code SUMMER-2026 doesn't work at checkout.",
    "My account number is 004512-88 and the invoice is INV-00045.",
    "Please change my address to 12 Baker Street, Apt. 4/B, London NW1 6XE.",
    "Flight BA2490, booking reference QX7ZP2, seat 14C.",
    "The passport number is required; pass me to a human.",
    "The meeting passcode is missing. The room key is 12B.",
    "Password: I can't remember it!",
    "Session: yoga for beginners, Tuesday 18:30",
    "Token of appreciation: a gift card",
    "Key: A = apple, B = banana",
    "key: value pairs are allowed",
    "My auth failed; auth: required",
    "Pin: blue, size M",
    "Pin the message to the top: yes",
    "The secret ingredient is cinnamon.",
    "Secret Santa: Friday at 6 pm",
    "I bought 2 tickets @ 15 EUR each.",
    "Account: savings, balance 1,204.55 EUR",
    "Credential check passed; credentials: expired",
    "Basic auth is disabled. Basic T-shirt, size L.",
    "The signature is missing on page 2/3.",
    "Signature: Dr. Maria de la Cruz",
    "Signature: 张伟",
    "Signed by: X. Zhao",
    "Ticket 4711-0815 was escalated to level 2",
    "Serial number C02XK0AAJG5J, model A2141",
    "SKU: TS-BLK-XL-2024, EAN 4006381333931",
    "UPC 036000291452 is out of stock",
    "Parcel 00340434161094042557 is in Hamburg",
    "DHL JJD000390007882470003 is delayed",
    "Customer id 8f14e45f-ceea-467f-a5e8-3c1f6a0b7f1c",
    "Bestellung 2026-0004711 ist noch nicht angekommen.",
    "Rechnung Nr. RE-2026/00123 über 1.234,56 € ist offen.",
    "Mein Passwort wurde zurückgesetzt, danke!",
    "Passwort: bitte zurücksetzen",
    "Der Schlüssel: Geduld und Zeit.",
    "Das Kennwort lautet nicht mehr so.",
    "La commande n° 45-889 n'est pas arrivée.",
    "Mot de passe : je ne m'en souviens plus",
    "La clé : patience",
    "Clé: USB 32 Go",
    "Le jeton est expiré.",
    "Mi pedido 45-889 no ha llegado; pagué 45,90 €.",
    "Contraseña: no la recuerdo",
    "Contraseña: cambiada ayer",
    "Clave: paciencia",
    "Clave de reserva: ABC123",
    "Meu pedido 889 não chegou.",
    "Senha: não lembro",
    "Chave: Pix do cliente",
    "A senha foi alterada.",
    "Мой заказ 889 не пришёл.",
    "Пароль: забыл",
    "Пароль не подходит, помогите",
    "Ключ: от квартиры",
    "我的订单889没有到。",
    "密码：忘记了",
    "密码不正确，请重试",
    "关键词：退款",
    "钥匙丢了",
    "注文番号889が届きません。",
    "パスワード：忘れました",
    "パスワードが違います",
    "キー：なし",
    "주문 889이 안 왔어요.",
    "비밀번호가 틀렸어요",
    "मेरा ऑर्डर 889 नहीं आया।",
    "पासवर्ड: भूल गया",
    "طلبي رقم 889 لم يصل",
    "كلمة المرور خاطئة",
    "আমার অর্ডার 889 আসেনি",
    "পাসওয়ার্ড কাজ করছে না",
    "میرا آرڈر 889 نہیں آیا",
    "Pesanan 889 belum sampai.",
    "Kata sandi: lupa",
    "Kunci: mobil",
    "Siparişim 889 gelmedi.",
    "Parola: unuttum",
    "Il mio ordine 889 non è arrivato. La parola d'ordine è pazienza.",
    "The size is 10x15 cm, 300 dpi, 5'11\", 98.6°F",
    "v2.3.1-rc.2, 2.0.0.dev0, 1.0.0+build.12",
    "The file report_2026_final_v3.pdf is damaged",
    "ratio 16:9, score 3-2, 50/50",
    "I'd like refund of 3x $15 = $45.",
    "ETA 14:05-14:30, gate A12, terminal 2E",
    "Lat 52.5200, lon 13.4050",
    "RGB #ff8800 and #0af",
    "chess: 1. e4 e5 2. Nf3",
    "Temp -5..+3 C",
    "h2o, co2, 4k, 1080p, usb-c, wi-fi 6e",
    "model gpt-4o-mini-2024-07-18 is not available",
    "model claude-sonnet-4-5-20250929 is overloaded",
    "error E1234-56 in line 7",
    "Tried 3 times in 1.5 s (HTTP 503)",
    "tool get_order_status_by_customer_id failed",
    "status: shipped, carrier: UPS, days: 3",
    '{"order_id": "A-1001", "items": [{"sku": "TS-1", "qty": 2}], "total": 49.99}',
    "user_id=42, cart_id=c_1029, step=payment",
    "customer: John O'Neil-Smith (VIP)",
    "No such column: customers.session_count",
    'duplicate key value violates unique constraint "pk_orders"',
    "Key (order_id)=(17) already exists",
    'invalid input syntax for type uuid: "abc"',
    "foreign key constraint fails",
    "primary key: id, foreign key: order_id",
    "keyword argument 'limit' must be int, not str",
    "unexpected keyword argument 'api_key'",
    "Missing required parameter: 'access_token'",
    "token limit exceeded: 128000 tokens, 4096 max",
    "token usage: 1200 prompt tokens, 340 completion tokens",
    "Rate limit reached for requests per min: 60",
    "api key header is missing",
    "The access key pair is rotated weekly",
    "secret manager is unreachable",
    "auth service returned 503",
    "password policy: at least 12 characters, one digit",
    "passwordless login is on",
    "Wrong PIN, 2 tries left. PIN must have 4 digits.",
    "OTP expired after 5 minutes; OTP not sent",
    "verification code sent to your phone",
    "code: ORDER_NOT_FOUND",
    "code=17, reason=closed",
    "login code has 6 digits",
    "csrf check failed",
    "session expired, sign in again",
    "cookie settings: reject all",
    "Cookie: chocolate chip, 12 pieces",
    "Bearer of good news",
    "Digest of the week: 12 articles",
    "Negotiate a discount",
    "sid: unknown",
    "Order total is 2.345,00 kr; deposit 10 %",
    "Store hours: Mon-Fri 9-17, Sat 10-14",
    "Meet at Main St/2nd Ave",
    "CC: Anna; BCC: none",
    "I paid with Visa ending 4242.",
    "card ending in 1111 was declined",
    "IBAN is missing",
    "Account ending 3000",
    "http status 404",
    "see chapter 3.2.1",
    "Ask for Mr. v. d. Berg",
    "@anna_k please help",
    "C'est l'été à Orléans",
    "naïve café résumé",
    "email me at noon",
]

#: Output of shells, test runs and compilers, which `scrub_result` keeps unchanged.
STAYS_IN_RESULTS = [
    *STAYS,
    """\
============================= test session starts ==============================
platform linux -- Python 3.12.3, pytest-8.3.3, pluggy-1.5.0
rootdir: /srv/shop
plugins: anyio-4.6.2.post1, cov-5.0.0
collected 12 items

tests/test_cart.py ...F....                                              [ 66%]

=================================== FAILURES ===================================
__________________________________ test_total __________________________________

    def test_total() -> None:
>       assert total([1, 2], tax=0.19) == 4, "total is wrong"
E       AssertionError: total is wrong
E       assert 3 == 4
E        +  where 3 = total([1, 2])

tests/test_cart.py:12: AssertionError
=========================== short test summary info ============================
FAILED tests/test_cart.py::test_total[1-2] - AssertionError: total is wrong
========================= 1 failed, 11 passed in 0.42s =========================
""",
    """\
Traceback (most recent call last):
  File "<stdin>", line 1, in <module>
  File "/usr/lib/python3.12/json/__init__.py", line 346, in loads
    return _default_decoder.decode(s)
           ^^^^^^^^^^^^^^^^^^^^^^^^^^
json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)
""",
    """\
  File "/srv/app/auth.py", line 17, in login
    token = get_token(user, scope="read")
    if token is None or password != user.password:
def login(user: str, password: str | None = None, *, api_key: SecretStr) -> Session:
        self.token = token
        client = Client(api_key=settings.api_key, token=os.environ["SHOP_TOKEN"])
TypeError: login() missing 1 required keyword-only argument: 'api_key'
""",
    """\
src/cart.ts(12,7): error TS2322: Type 'string' is not assignable to type 'number'.
src/cart.ts:12:7 - error TS2322: Type 'string' is not assignable.
npm ERR! code ELIFECYCLE
npm ERR! shop@1.0.0 test: `jest --ci`
PASS src/shop.test.js
FAIL src/cart.test.js
    at Object.<anonymous> (/srv/shop/src/cart.test.js:12:34)
    at node_modules/jest-circus/build/utils.js:231:10
""",
    """\
main.go:42:15: cannot use "x" (untyped string constant) as int value in assignment
goroutine 1 [running]:
main.main()
\t/srv/shop/main.go:42 +0x1d
exit status 2
""",
    """\
Exception in thread "main" java.lang.NullPointerException: Cannot invoke "Cart.total()"
\tat com.shop.cart.Main.main(Main.java:12)
\tat java.base/jdk.internal.reflect.NativeMethodAccessorImpl.invoke0(Native Method)
\t... 12 more
""",
    """\
error[E0382]: borrow of moved value: `cart`
  --> src/main.rs:12:20
   |
10 |     let cart = Cart::new();
   |         ---- move occurs because `cart` has type `Cart`
12 |     println!("{}", cart.total());
   |                    ^^^^ value borrowed here after move
""",
    """\
On branch main
Your branch is ahead of 'origin/main' by 1 commit.
commit 9fceb02d0ae598e95dc970b74767f19372d61af8 (HEAD -> main)
diff --git a/src/cart.py b/src/cart.py
index 83db48f..bf2a9c5 100644
--- a/src/cart.py
+++ b/src/cart.py
@@ -10,7 +10,7 @@ def total(items: list[int]) -> int:
-    return sum(items) - 1
+    return sum(items)
CONFLICT (content): Merge conflict in src/cart.py
""",
    """\
total 24
drwxr-xr-x 3 bob bob 4096 Nov 27 10:00 .
-rw-r--r-- 1 bob bob  220 Nov 27 10:00 pyproject.toml
cat: /etc/shop/orders.toml: No such file or directory
curl: (7) Failed to connect to localhost port 8000 after 0 ms: Connection refused
curl: (7) Failed to connect to 127.0.0.1:8000: Connection refused
ERROR: Could not find a version that satisfies the requirement shop==1.2.3.4 (from versions: 1.0, 1.1)
make: *** [Makefile:12: test] Error 1
""",
]
