"""
Words that decide what a question means, in a few languages written in Latin letters.

English, German, French, Spanish, Italian, Portuguese and Dutch.  A word that stands in no list is
a content word, for which the comparison is strict: what is missing here costs a hit, never a right
answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _pairs(text: str) -> dict[str, str]:
    return {
        word: line.split()[0] for line in text.splitlines() for word in line.split()
    }


#: To one word a line, the first: those of one line say the same.
NEGATIONS: Final[Mapping[str, str]] = _pairs(
    """
    not no nicht kein keine keinen keinem keiner keines pas non não niet geen inte ikke nie nem
    not değil
    ne n
    never niemals nooit jamais jamás nunca mai aldrig aldri nigdy
    without ohne sans sin sem senza zonder utan uden bez fără
    none ningún ninguna ninguno nessun nessuno nessuna nenhum nenhuma aucun aucune ingen inga
    nobody niemand nadie ninguém
    nothing nichts rien nada niente nulla niets
    nowhere
    neither weder tampoco
    nor ni nem noch né
    except außer sauf excepto tranne exceto behalve excluding
    unless
    """
)

#: Contractions whose writing hides the negation.
CONTRACTIONS: Final[Mapping[str, str]] = {
    "cannot": "can not",
    "cant": "can not",
    "can't": "can not",
    "wont": "will not",
    "won't": "will not",
    "shan't": "shall not",
    "ain't": "is not",
    "dont": "do not",
    "doesnt": "does not",
    "didnt": "did not",
    "isnt": "is not",
    "arent": "are not",
    "wasnt": "was not",
    "werent": "were not",
    "hasnt": "has not",
    "havent": "have not",
    "shouldnt": "should not",
    "couldnt": "could not",
    "wouldnt": "would not",
    "mustnt": "must not",
    "whats": "what is",
    "im": "i am",
}

#: Before an apostrophe a word of its own.
ELISIONS: Final = _words(
    "l d j m t s c n qu jusqu lorsqu puisqu un dell all nell sull quest dall"
)

NUMBERS: Final[Mapping[str, str]] = {
    word: number
    for number, words in {
        "0": "zero null nul cero",
        "1": "one eins first erste ersten erster premier première primero primera primo prima",
        "2": "two zwei deux dos due dois duas twee zweite zweiten deuxième segundo twice",
        "3": "three drei trois tres tre três drie third dritte dritten troisième tercero",
        "4": "four vier quatre cuatro quattro quatro fourth vierte vierten",
        "5": "five fünf cinq cinco cinque vijf fifth fünfte fünften",
        "6": "six sechs seis sei zes sixth sechste",
        "7": "seven sieben sept siete sette sete zeven seventh siebte",
        "8": "eight acht huit ocho otto oito eighth achte",
        "9": "nine neun neuf nueve nove negen ninth neunte",
        "10": "ten zehn dix diez dieci dez tien tenth zehnte",
        "11": "eleven elf onze undici",
        "12": "twelve zwölf douze doce dodici doze twaalf dozen dutzend",
        "13": "thirteen dreizehn treize trece",
        "14": "fourteen vierzehn quatorze catorce",
        "15": "fifteen fünfzehn quinze quince",
        "16": "sixteen sechzehn seize",
        "17": "seventeen siebzehn",
        "18": "eighteen achtzehn",
        "19": "nineteen neunzehn",
        "20": "twenty zwanzig vingt veinte venti vinte twintig",
        "30": "thirty dreißig trente treinta trenta trinta dertig",
        "40": "forty vierzig quarante cuarenta quaranta quarenta veertig",
        "50": "fifty fünfzig cinquante cincuenta cinquanta vijftig",
        "60": "sixty sechzig soixante sesenta",
        "70": "seventy siebzig setenta",
        "80": "eighty achtzig ochenta",
        "90": "ninety neunzig noventa",
        "100": "hundred hundert cent cien ciento cento cem honderd",
        "1000": "thousand tausend mille mil mila duizend",
        "1000000": "million millionen millions millón millones milione milhão",
        "1000000000": "billion milliarde milliarden milliard",
        "1/2": "half halb halbe halben moitié medio media metà metade",
    }.items()
    for word in words.split()
}

#: Units of measure, of money and of time.
UNITS: Final[Mapping[str, str]] = _pairs(
    """
    mm millimeter millimeters millimetre millimetres
    cm centimeter centimeters centimetre centimetres zentimeter
    m meter meters metre metres mètres metros metri
    km kilometer kilometers kilometre kilometres kilomètres kilómetros
    inch inches zoll pouces pulgadas
    ft foot feet
    yd yard yards
    mile miles meilen milles millas
    mg milligram milligrams milligramm
    g gram grams gramm grammes gramos
    kg kilogram kilograms kilo kilos kilogramm
    lb lbs pound pounds pfund
    oz ounce ounces
    ton tons tonne tonnes tonnen
    ml milliliter milliliters millilitre millilitres
    cl
    l liter liters litre litres litros litri
    gal gallon gallons
    cup cups tasse tassen
    tbsp tablespoon tablespoons
    tsp teaspoon teaspoons
    celsius centigrade
    fahrenheit
    kelvin
    degree degrees grad
    bit bits
    byte bytes
    kb kilobyte kilobytes
    mb megabyte megabytes
    gb gigabyte gigabytes
    tb terabyte terabytes
    kib
    mib
    gib
    hz hertz
    khz
    mhz
    ghz
    w watt watts
    kw kilowatt kilowatts
    kwh
    mw
    v volt volts
    amp amps ampere amperes
    ohm ohms
    pa pascal
    psi
    bar
    mph
    kph kmh
    acre acres
    hectare hectares hektar
    joule joules
    calorie calories kcal
    percent prozent percentage pct
    usd dollar dollars $
    eur euro euros €
    gbp sterling £
    jpy yen ¥
    chf franc francs franken
    cad
    aud
    inr rupee rupees ₹
    cny yuan rmb
    krw won
    brl reais
    mxn peso pesos
    sek
    nok
    dkk
    pln zloty
    btc bitcoin
    eth ether
    ms millisecond milliseconds
    second seconds sec secs sekunde sekunden secondes segundos secondi
    minute minutes min mins minuten minutos minuti
    hour hours hr hrs stunde stunden heure heures hora horas ora ore uur
    day days tag tage tagen jour jours día días giorno giorni dia dias dag dagen
    week weeks woche wochen semaine semaines semana semanas settimana
    month months monat monate monaten mois meses mese mesi maand
    quarter quarters quartal
    year years jahr jahre jahren année années año años anno anni ano anos jaar
    decade decades
    century centuries jahrhundert siècle siglo secolo
    """
)

#: Signs of units that mean one only behind a number.
UNIT_SIGNS: Final = _words(
    "m g l s h c f w v a k b t j n d p € $ £ ¥ x am pm ° °c °f % ‰"
)

DATES: Final[Mapping[str, str]] = _pairs(
    """
    monday montag lundi lunes lunedì maandag
    tuesday dienstag mardi martes martedì dinsdag
    wednesday mittwoch mercredi miércoles mercoledì woensdag
    thursday donnerstag jeudi jueves giovedì donderdag
    friday freitag vendredi viernes venerdì vrijdag
    saturday samstag sonnabend samedi sábado sabato zaterdag
    sunday sonntag dimanche domingo domenica zondag
    january januar janvier enero gennaio janeiro januari jan
    february februar février febrero febbraio fevereiro februari feb
    march märz mars marzo março maart
    april avril abril aprile apr
    june juni juin junio giugno junho jun
    july juli juillet julio luglio julho jul
    august août agosto augustus aug
    september septembre septiembre settembre setembro sept
    october oktober octobre octubre ottobre outubro oct
    november novembre noviembre novembro nov
    december dezember décembre diciembre dicembre dezembro dec
    today heute aujourd hoy oggi hoje vandaag
    tomorrow morgen demain mañana domani amanhã
    yesterday gestern hier ayer ieri ontem gisteren
    tonight
    morning morgens matin mattina
    noon midday mittag midi mediodía
    afternoon nachmittag
    evening abend abends soir sera
    night nacht nuit noche notte noite
    midnight mitternacht minuit
    weekend wochenende
    weekday weekdays werktag
    spring frühling printemps primavera lente
    summer sommer été verano estate verão zomer
    autumn fall herbst automne otoño autunno outono herfst
    winter hiver invierno inverno
    hourly stündlich
    daily täglich quotidien diario
    weekly wöchentlich hebdomadaire semanal
    monthly monatlich mensuel mensual
    quarterly
    yearly annual annually jährlich annuel anual
    now currently jetzt derzeit aktuell maintenant ahora adesso agora nu
    easter ostern pâques
    christmas weihnachten noël navidad natale
    """
)

#: Words one of which in place of another, or of none, turns a question round.
POLES: Final = _words(
    """
    more less most least fewer fewest greater greatest smaller smallest larger largest
    bigger biggest higher highest lower lowest better best worse worst longer longest
    shorter shortest older oldest younger youngest newer newest earlier earliest later
    latest faster fastest slower slowest cheaper cheapest easier easiest harder hardest
    stronger strongest weaker weakest closer closest nearest farther farthest further hotter
    hottest colder coldest warmer warmest heavier heaviest lighter lightest safer safest
    richer richest poorer poorest deeper deepest maximum minimum max min maximal minimal
    upper inner outer big small large little tiny huge high low long short tall old young
    new used early late fast slow quick cheap expensive easy hard difficult simple complex
    strong weak close far near hot cold warm cool heavy light safe dangerous unsafe rich
    poor deep shallow thick thin wide narrow wet dry clean dirty empty full soft loud quiet
    bright dark good bad right wrong true false correct incorrect left north south east west
    northern southern eastern western top bottom front back first last next previous
    following prior before after since until till during between within beyond above below
    over under up down off out into onto inside outside by from against versus vs than per
    via instead enable disable enabled disabled enabling disabling activate deactivate allow
    deny forbid permit block unblock lock unlock open opened closed opening closing start
    stop begin end finish increase decrease raise reduce grow shrink add subtract remove
    insert append delete create destroy install uninstall mount unmount load unload encrypt
    decrypt encode decode compress decompress import export upload download push pull send
    receive buy sell lend borrow rent lease give take win lose gain loss profit accept
    reject approve decline grant revoke join leave connect disconnect attach detach enter
    exit arrive depart show hide expand collapse zip unzip pack unpack sign unsign subscribe
    unsubscribe follow unfollow pass fail succeed success failure love hate dislike include
    exclude included excluded inclusive exclusive public private internal external input
    output read write client server parent child male female man woman men women boy girl
    husband wife mother father brother sister son daughter king queen employer employee
    landlord tenant buyer seller lender borrower teacher student doctor patient plaintiff
    defendant importer exporter positive negative plus minus even odd vertical horizontal
    row column ascending descending asc desc forward backward forwards backwards clockwise
    counterclockwise anticlockwise sync async synchronous asynchronous static dynamic local
    remote global online offline legal illegal lawful unlawful valid invalid possible
    impossible visible invisible mutable immutable optional required mandatory voluntary
    must should may might need needs obliged allowed permitted forbidden prohibited banned
    able unable all every each both either only some any many much few several always often
    sometimes rarely seldom usually ever once again still already yet too enough hardly
    barely scarcely almost nearly exactly approximately alone together or xor if when
    whether because although despite afterwards alive dead born died death birth gross net
    debit credit asset liability bull bear call put fixed variable acute chronic benign
    malignant hypertension hypotension hyperglycemia hypoglycemia hyperthyroidism
    hypothyroidism systolic diastolic oral intravenous adult adults children infant infants
    pregnant mehr weniger größer kleiner höher niedriger besser schlechter länger kürzer
    älter jünger früher später schneller langsamer billiger teurer meisten wenigsten beste
    besten schlechteste groß klein hoch niedrig lang kurz alt neu früh spät schnell langsam
    billig teuer heiß kalt links rechts oben unten vor nach vorher nachher seit bis über
    unter zwischen innerhalb außerhalb von aus gegen statt als oder wenn falls nur alle
    jeder jede jedes beide einige viele wenige immer oft selten noch schon muss müssen soll
    sollte darf dürfen kann verboten erlaubt kaufen verkaufen öffnen schließen aktivieren
    deaktivieren einschalten ausschalten erhöhen senken hinzufügen entfernen anmelden
    abmelden mieten vermieten moins meilleur meilleure pire mieux grand petit grande petite
    haut bas court vieux neuf avant après depuis jusqu sur sous entre dans hors gauche
    droite acheter vendre ouvrir fermer activer désactiver augmenter diminuer ajouter
    supprimer ou si seulement tous toutes chaque toujours souvent doit devoir peut interdit
    autorisé contre más menos mejor peor mayor menor pequeño alto bajo largo corto viejo
    nuevo antes después desde hasta sobre izquierda derecha comprar vender abrir cerrar
    activar desactivar aumentar reducir añadir eliminar o solo sólo todos todas cada siempre
    debe puede prohibido permitido contra più meno migliore peggiore maggiore minore piccolo
    prima dopo sopra sotto sinistra destra comprare vendere aprire chiudere attivare
    disattivare aumentare diminuire mais melhor pior maior pequeno depois acima abaixo
    esquerda direita meer minder beter slechter groter voor na boven onder kopen verkopen
    """
)

#: What is asked for; ``what`` and ``which`` say little, and are fillers.
ASKING: Final[Mapping[str, str]] = _pairs(
    """
    how wie comment cómo como come hoe
    why warum wieso weshalb pourquoi perché waarom
    when wann quand cuándo quando wanneer
    where wo woher wohin où dónde dove onde waar
    who whom whose wer wen wem wessen qui quién quem chi
    howmany wieviel wieviele combien cuánto cuántos quanto quanti quantos hoeveel
    """
)

TENSES: Final[Mapping[str, str]] = _pairs(
    """
    was were did had been war waren hatte hatten wurde wurden était étaient avait era eran fue
    was fueron erano stato
    will shall wird werden werde sera seront será serán
    would würde würden
    """
)

PERSONS: Final[Mapping[str, str]] = _pairs(
    """
    i me my mine myself we us our ours ich mich mir mein meine meinen meinem meiner wir uns
    i unser unsere je j moi mon ma mes nous notre nos yo mí mi mis nosotros nuestro nuestra io
    i mio mia noi eu meu minha ik mijn
    you your yours yourself du dich dir dein deine deinen deinem deiner tu te toi ton ta tes
    you vous votre vos tú ti tus usted jij jouw
    he him his
    she her hers
    they them their theirs
    """
)

#: Words that may come and go.
FILLERS: Final = _words(
    """
    a an the this that these those there here it its itself of in on at for to and as with
    about is are am be being do does doing done have has having can could what which please
    kindly thanks thank hi hello hey dear greetings cheers tell explain describe say let
    know wonder wondering want wanna like give help so then just also really actually
    basically simply well okay ok oh um way ways possible question ask asking idea der die
    das den dem des dass ein eine einen einem einer eines und im auf für mit zu zum zur bei
    ist sind bin sein hat habe haben was welche welcher welches bitte danke hallo man sich
    es doch mal denn eigentlich gern gerne sag sage erkläre erklär kannst können könnte
    könntest le la les l un une du de d et en à au aux pour avec est sont c ce cet cette ces
    que qu quel quelle quels quelles il elle se s y svp plaît merci bonjour salut expliquez
    explique dis dites pouvez peux est-ce el los las uno una unos unas del al para con son
    está están qué cuál cuáles lo por favor gracias hola explica dime puedes gli di da per e
    è sono che cosa quale quali si grazie ciao prego os uma dos na nos nas em ao com é são
    qual quais obrigado obrigada olá het een van met zijn wat welke graag dank kun
    """
)

#: What may stand for each other in a question: to one word a line, the first.
SYNONYMS: Final[Mapping[str, str]] = _pairs(
    """
    fix repair mend
    buy purchase
    remove delete erase
    start begin
    end finish
    big large
    small little
    fast quick
    maximum max maximal
    minimum min minimal
    enable activate
    disable deactivate
    close shut
    change modify alter edit
    choose select pick
    find locate
    get obtain
    build construct
    verify check
    movie film
    picture photo image photograph
    car automobile auto
    phone telephone
    kid kids
    error fault
    password passwords passphrase
    sofa couch
    shop store
    ill sick
    """
)

#: Openers that are no names though they begin a sentence in a capital letter.
OPENERS: Final = _words(
    """
    write list summarize summarise translate convert calculate compute find compare define
    show create make generate rewrite reset fix name compose draft suggest recommend solve
    prove should must may might did was were will would could shall has had why when where
    who how whose if since before after during between under over by from or but not no
    never nobody nothing without only all any some each every both most more schreibe
    schreib liste nenne übersetze berechne vergleiche zeige erstelle fasse écris écrivez
    traduis traduisez calcule calculez montre résume escribe lista traduce calcula compara
    muestra resume
    """
)
