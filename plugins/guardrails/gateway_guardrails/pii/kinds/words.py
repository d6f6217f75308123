"""
Words that are written beside numbers of many kinds.
"""

from __future__ import annotations

from typing import Final

__all__ = ["DRIVING", "HEALTH", "NATIONAL", "PASSPORT", "PLATE", "TAX", "VAT"]

NATIONAL: Final = (
    "national id, national identity, national identity number, national identification, "
    "national insurance, identity number, identity card, identity document, id card, id number, "
    "id no, citizen id, citizen number, personal id, personal identity number, personal number, "
    "personal identification number, government id, gov id, nin, national number"
)
TAX: Final = (
    "tax id, tax identification, tax identification number, tax number, tax no, tax code, "
    "tax reference, taxpayer, taxpayer id, taxpayer number, tin, fiscal code, fiscal number"
)
VAT: Final = (
    "vat, vat no, vat number, vat id, vat reg, vat registration, value added tax"
)
PASSPORT: Final = (
    "passport, passport no, passport number, travel document, passeport, reisepass, pass nr, "
    "passnummer, pasaporte, passaporto, passaporte, paspoort, pasport, paszport, паспорт, 护照, "
    "パスポート, 여권"
)
DRIVING: Final = (
    "driver license, driver's license, drivers license, driver licence, driver's licence, "
    "driving license, driving licence, drivers licence, dl, dl no, dln, license number, "
    "licence number, licence no, license no, operator license, dvla, permis de conduire, "
    "führerschein, führerscheinnummer, führerschein nr, carnet de conducir, "
    "permiso de conducir, licencia de conducir, patente di guida, carta de condução, cnh, "
    "rijbewijs, rijbewijsnummer, prawo jazdy, numer prawa jazdy, körkort, førerkort, kørekort, "
    "ajokortti, řidičský průkaz, водительское удостоверение, surat izin mengemudi, "
    "ehliyet, 驾驶证, 驾照, 運転免許, 운전면허"
)
PLATE: Final = (
    "plate, number plate, license plate, licence plate, plate number, registration plate, "
    "vehicle registration, vehicle reg, car registration, reg no, reg number, vrm, vrn, "
    "registration number, kennzeichen, car reg, registration mark"
)
HEALTH: Final = "health number, health card, patient id, patient number, medical number"
