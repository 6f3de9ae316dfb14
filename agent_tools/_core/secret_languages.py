"""Names of secrets in languages other than English: the most spoken ones, and those that support desks see."""

from typing import Final

from agent_tools._core.secret_rows import IS, QUOTED, SECRET, rows

# Latin letters: a word counts as the value if it ends the sentence.
_PASSWORDS = (
    r"contrase[ñn]as?|mots? de passe|mdp|senhas?|palavra[- ]passe|passw[oö]rt(?:er)?|kennwort|zugangscode"
    r"|kata sandi|sandi|[şs]ifre(?:niz)?|parola|has[łl]o|wachtwoord|l[öo]senord|m[ậa]t kh[ẩa]u"
)
_KEYS = r"claves?|llaves?|fichas?|cl[ée]s?|jetons?|code secret|chaves?|schl[üu]ssel|kunci|anahtar|chiave|klucz|sleutel"
_API = r"(?: (?:api|de api|d'api|de acceso|d'acc[èe]s|de acesso|secret[ao]?|secr[èe]te|rahasia|privad[ao]|priv[ée]e))?"

# Other scripts: only ASCII counts as the value, since the sentence goes on in its own script.
_OTHERS = (
    "密码|密碼|口令|密钥|密鑰|秘钥|令牌|パスワード|暗証番号|トークン|キー|비밀번호|암호|토큰|키"
    "|पासवर्ड|कूटशब्द|कुंजी|टोकन|পাসওয়ার্ড|পাসওয়ার্ড|চাবি|কী|টোকেন|парол[ьяюе]м?|ключ|токен"
    "|كلمة المرور|كلمة السر|كلمة مرور|مفتاح|رمز الدخول|رمز|پاس ورڈ|کلید|کنجی|چابی|ٹوکن|رمز عبور|گذرواژه"
)
_CLUES = (
    "contrase mot mdp senha palavra passwö passwort kennwort zugangs sandi ifre parola has wachtwoord senord kh "
    "clav llav ficha cl jeton code chave schl kunci anahtar klucz sleutel"
)
_OTHER_CLUES = (
    "密 口令 秘 令牌 パスワード 暗証番号 トークン キー 비밀번호 암호 토큰 키 पासवर्ड कूटशब्द कुंजी टोकन পাসওয়ার্ড পাসওয়ার্ড চাবি "
    "কী টোকেন парол ключ токен كلمة مفتاح رمز پاس کلید کنجی چابی ٹوکن گذرواژه"
)
_FALSE = (
    r"(?!(?i:debe|deve|doit|muss|es|est|ist|não|nao|non|no|nicht|kein|obligat\w*|obrigat\w*|requ\w*|erforderlich|falsch\w*"
    r"|ungültig\w*|vergessen|abgelaufen|fehlt|leer|neu|alt|incorrect\w*|inv[aá]lid\w*|oubli\w*|erron\w*|expir\w*|olvid\w*|unut\w*|dimentic\w*|zapomn\w*"
    r"|esquec\w*|vac[ií]\w*|vide|vazi\w*|manquante?|faux|fausse|salah|lupa|yanlış|hatalı|geçersiz|errata|sbagliata"
    r"|b[łl][ęe]dne|onjuist|verkeerd|fel|sai|\w+(?:ad[ao]s?|id[ao]s?|é|ée))[.,;:!?)]{0,3}(?:\s|\Z))"
)
_IS_FOREIGN = r"\s(?:es|é|est|ist|lautet|è|adalah|to|is|är|là)\s"
_TELLING = r"(?=[^\s\"'`，。；、]{0,64}[\d!#$%&*+=?@^_~])"
_ASCII = r"[!-~]"
_RUN = r"[^\s\"'`\[({…，。；、][^ \t\n…，。；、]*(?<![\"'`,;.:!?)\]}>])"

LANGUAGE_PATTERNS: Final = rows(
    rf"\1{SECRET}",
    (
        _CLUES,
        rf"((?i:(?<!\w)(?:{_PASSWORDS})){IS})(?:{QUOTED}|{_FALSE}(?:{_TELLING}{_RUN}|[^\W\d_]{{4,40}}(?=[.!,;)|\"']{{0,2}}[^\S\n]*(?:\n|\Z))))",
    ),
    (
        _CLUES,
        (
            rf"((?i:(?<!\w)(?:{_KEYS}){_API})(?:{IS}))"
            rf"(?:{QUOTED}|(?=[^\s]{{0,64}}\d)(?=[^\s]{{0,64}}[A-Za-z])(?=\S{{6}}){_RUN})"
        ),
    ),
    (_CLUES, rf"((?i:(?<!\w)(?:{_PASSWORDS}|(?:{_KEYS}){_API})){_IS_FOREIGN})(?:{QUOTED}|{_TELLING}{_RUN})"),
    (
        _OTHER_CLUES,
        (
            rf"((?i:{_OTHERS})(?:{IS}|\s?(?:是|为|為|は|는|은|هي|هو|—|-|это)\s?|\s))"
            r"(?:(?=[\"'`])" + QUOTED + r"|(?!\d{1,4}(?![!-~]))(?=[!-~]{4})[!-+\--Z^-~][!-~]*(?<![\"'`,;.:!?)\]}>]))"
        ),
    ),
)
