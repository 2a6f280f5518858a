"""Makes samples/: synthetic documents in the five formats that are read. The same files come out every time.

    .venv/bin/python scripts/make_samples.py [FOLDER]

Every hospital, doctor, patient and value in them is invented, and every file says so. Files named `broken-…` cannot be
parsed on purpose: they show what is attested when only the raw bytes are.
"""

import json
import sys
from io import BytesIO
from pathlib import Path

NOTICE = "样例，非真实数据 SYNTHETIC SAMPLE, NOT REAL DATA"
HOSPITAL = "样例市第一示例医院"
LABORATORY = "样例市示例检验中心"
PATIENT, PATIENT_NUMBER, BIRTH_DATE, ADDRESS = "样例患者甲", "SAMPLE-PATIENT-0001", "1980-01-01", "样例市示例路1号"
DOCTOR, REVIEWER = "示例医师甲", "示例医师乙"
REPORT_NUMBER = "SAMPLE-2026-000123"
SAMPLED, REPORTED = "2026-11-20T08:15:00+08:00", "2026-11-20T09:02:00+08:00"
UID_ROOT = "1.2.826.0.1.3680043.8.498.20261120"  # below the root that pydicom lends for such use

# code, name, value, unit, range, flag
BLOOD_COUNT = (
    ("6690-2", "白细胞计数", "6.20", "10*9/L", "3.50-9.50", "N"),
    ("789-8", "红细胞计数", "4.80", "10*12/L", "4.30-5.80", "N"),
    ("718-7", "血红蛋白", "145", "g/L", "130-175", "N"),
    ("777-3", "血小板计数", "98", "10*9/L", "125-350", "L"),
)
CT_FINDINGS = "双肺纹理清晰，右肺上叶见一枚磨玻璃结节，大小约 6 mm × 5 mm。纵隔未见肿大淋巴结。"
CT_IMPRESSION = "右肺上叶磨玻璃结节，建议复查。"


def hl7_time(time: str) -> str:
    """The form of HL7 v2 and v3: 20261120081500+0800."""
    return time.replace("-", "", 2).replace("T", "").replace(":", "", 2).replace(":", "")


def blood_count_fhir() -> bytes:
    observations = [_observation(number, row) for number, row in enumerate(BLOOD_COUNT, start=1)]
    report = {
        "resourceType": "DiagnosticReport",
        "id": "report-1",
        "identifier": [{"system": "urn:example:reports", "value": REPORT_NUMBER}],
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "58410-2", "display": "血常规"}], "text": "血常规"},
        "subject": {"reference": "Patient/patient-1"},
        "effectiveDateTime": SAMPLED,
        "issued": REPORTED,
        "performer": [{"reference": "Organization/laboratory-1"}],
        "resultsInterpreter": [{"reference": "Practitioner/doctor-1"}],
        "result": [{"reference": f"Observation/{item['id']}"} for item in observations],
        "conclusion": "血小板计数偏低。" + NOTICE,
    }
    patient = {
        "resourceType": "Patient",
        "id": "patient-1",
        "identifier": [{"value": PATIENT_NUMBER}],
        "name": [{"text": PATIENT}],
        "birthDate": BIRTH_DATE,
        "address": [{"text": ADDRESS}],
    }
    laboratory = {"resourceType": "Organization", "id": "laboratory-1", "name": LABORATORY}
    doctor = {"resourceType": "Practitioner", "id": "doctor-1", "name": [{"text": DOCTOR}]}
    bundle = {
        "resourceType": "Bundle",
        "id": "synthetic-sample",
        "type": "collection",
        "entry": [{"resource": item} for item in (report, *observations, laboratory, doctor, patient)],
    }
    # JSON has no way to ask json for 6.20: the values are written as text and freed of their quotes afterwards.
    text = json.dumps(bundle, ensure_ascii=False, indent=1)
    return text.replace('"<number ', "").replace(' number>"', "").encode() + b"\n"


def _observation(number: int, row: tuple[str, ...]) -> dict:
    code, name, value, unit, limits, flag = row
    quantity = {"unit": unit, "system": "http://unitsofmeasure.org", "code": unit}
    low, high = ({"value": f"<number {limit} number>", **quantity} for limit in limits.split("-"))
    return {
        "resourceType": "Observation",
        "id": f"observation-{number}",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": code, "display": name}]},
        "subject": {"reference": "Patient/patient-1"},
        "effectiveDateTime": SAMPLED,
        "valueQuantity": {"value": f"<number {value} number>", **quantity},
        "interpretation": [{"coding": [{"code": flag}]}],
        "referenceRange": [{"low": low, "high": high}],
    }


def report_without_results_fhir() -> bytes:
    report = next(
        entry["resource"]
        for entry in json.loads(blood_count_fhir())["entry"]
        if entry["resource"]["resourceType"] == "DiagnosticReport"
    )
    return json.dumps(report, ensure_ascii=False, indent=1).encode() + b"\n"


def broken_fhir() -> bytes:
    return blood_count_fhir().replace(b'"status": "final",', b'"status": "final",\n "status": "preliminary",', 1)


def blood_count_hl7v2(charset: str = "UNICODE UTF-8") -> str:
    sampled, reported = hl7_time(SAMPLED), hl7_time(REPORTED)
    order = [
        "OBR",
        "1",
        "SAMPLE-ORDER-1",
        REPORT_NUMBER,
        "58410-2^血常规^LN",
        "",
        "",
        sampled,
        *[""] * 14,
        reported,
        "",
    ]
    order += ["", "F", *[""] * 6, f"&{DOCTOR}"]
    segments = [
        rf"MSH|^~\&|LIS|{HOSPITAL}|HUZHENG|样例市互认平台|{reported}||ORU^R01^ORU_R01|SAMPLE-MSG-1|T|2.5.1||||||{charset}",
        f"PID|1||{PATIENT_NUMBER}^^^SAMPLE^MR||{PATIENT}||{BIRTH_DATE.replace('-', '')}|M|||{ADDRESS}",
        "|".join(order),
        f"NTE|1|L|{NOTICE}",
    ]
    for number, (code, name, value, unit, limits, flag) in enumerate(BLOOD_COUNT, start=1):
        result = [
            "OBX",
            str(number),
            "NM",
            f"{code}^{name}^LN",
            "",
            value,
            unit,
            limits,
            flag,
            "",
            "",
            "F",
            "",
            "",
            sampled,
        ]
        segments.append("|".join([*result, *[""] * 8, LABORATORY]))
    segments.append(f"SPM|1|||BLD^全血^HL70487{'|' * 13}{sampled}")
    return "\r".join(segments) + "\r"


def framed(message: bytes) -> bytes:
    """MLLP framing, as it is found in captured traffic."""
    return b"\x0b" + message + b"\x1c\r"


def chest_ct_cda() -> bytes:
    time, reported = hl7_time(SAMPLED), hl7_time(REPORTED)
    sections = "".join(
        f"""
    <component><section>
      <code code="{code}" codeSystem="2.16.840.1.113883.6.1" displayName="{name}"/>
      <title>{name}</title>
      <text><content ID="{key}">{text}</content></text>
      <entry><observation classCode="OBS" moodCode="EVN">
        <code code="{code}" codeSystem="2.16.840.1.113883.6.1" displayName="{name}"/>
        <statusCode code="completed"/>
        <value xsi:type="ED"><reference value="#{key}"/></value>
      </observation></entry>
    </section></component>"""
        for code, name, key, text in (
            ("59776-5", "影像所见", "findings", CT_FINDINGS),
            ("19005-8", "诊断意见", "impression", CT_IMPRESSION),
        )
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<!-- {NOTICE} -->
<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
  <realmCode code="CN"/>
  <typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/>
  <id root="2.999.1" extension="SAMPLE-2026-000456"/>
  <code code="18748-4" codeSystem="2.16.840.1.113883.6.1" displayName="影像诊断报告"/>
  <title>胸部 CT 平扫报告（{NOTICE}）</title>
  <effectiveTime value="{reported}"/>
  <confidentialityCode code="N" codeSystem="2.16.840.1.113883.5.25"/>
  <languageCode code="zh-CN"/>
  <setId root="2.999.1" extension="SAMPLE-SET-456"/>
  <versionNumber value="1"/>
  <recordTarget><patientRole>
    <id root="2.999.2" extension="{PATIENT_NUMBER}"/>
    <addr>{ADDRESS}</addr>
    <patient><name>{PATIENT}</name><birthTime value="{BIRTH_DATE.replace("-", "")}"/></patient>
  </patientRole></recordTarget>
  <author><time value="{reported}"/><assignedAuthor>
    <id root="2.999.3" extension="DOCTOR-A"/>
    <assignedPerson><name>{DOCTOR}</name></assignedPerson>
    <representedOrganization><name>{HOSPITAL}放射科</name></representedOrganization>
  </assignedAuthor></author>
  <custodian><assignedCustodian><representedCustodianOrganization>
    <id root="2.999.4"/><name>{HOSPITAL}</name>
  </representedCustodianOrganization></assignedCustodian></custodian>
  <legalAuthenticator><time value="{reported}"/><signatureCode code="S"/><assignedEntity>
    <id root="2.999.3" extension="DOCTOR-B"/>
    <assignedPerson><name>{REVIEWER}</name></assignedPerson>
  </assignedEntity></legalAuthenticator>
  <documentationOf><serviceEvent classCode="ACT">
    <code code="24627-2" codeSystem="2.16.840.1.113883.6.1" displayName="胸部 CT 平扫"/>
    <effectiveTime value="{time}"/>
  </serviceEvent></documentationOf>
  <component><structuredBody>{sections}
  </structuredBody></component>
</ClinicalDocument>
""".encode()


def broken_cda() -> bytes:
    """With a document type definition that asks for a local file."""
    doctype = b'<!DOCTYPE ClinicalDocument [<!ENTITY local SYSTEM "file:///etc/hostname">]>\n<ClinicalDocument'
    return chest_ct_cda().replace(b"<ClinicalDocument", doctype, 1).replace(b"<title>", b"<title>&local;", 1)


def chest_ct_dicom(instance: int) -> bytes:
    from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = f"{UID_ROOT}.1.1.{instance}"
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = f"{UID_ROOT}.9"
    meta.ImplementationVersionName = "SAMPLE"
    image = FileDataset(None, Dataset(), file_meta=meta, preamble=b"\0" * 128)
    image.SpecificCharacterSet = "GB18030"
    image.SOPClassUID, image.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
    image.StudyInstanceUID, image.SeriesInstanceUID = f"{UID_ROOT}.1", f"{UID_ROOT}.1.1"
    image.StudyDate = image.AcquisitionDate = "20261120"
    image.StudyTime, image.AcquisitionTime = "081500", "081730"
    image.TimezoneOffsetFromUTC = "+0800"
    image.AccessionNumber = "SAMPLE-456"
    image.Modality, image.BodyPartExamined = "CT", "CHEST"
    image.Manufacturer, image.InstitutionName = "SAMPLE", HOSPITAL
    image.StudyDescription, image.SeriesDescription = "胸部CT平扫", "样例序列"
    image.PatientName, image.PatientID = f"Yangli^Huanzhe={PATIENT}", PATIENT_NUMBER
    image.PatientBirthDate, image.PatientAddress = BIRTH_DATE.replace("-", ""), ADDRESS
    image.PatientComments = NOTICE
    image.SeriesNumber, image.InstanceNumber = 1, instance
    image.Rows = image.Columns = side = 16
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 16, 12, 11, 0
    pixels = (((row * column + instance) % 4096).to_bytes(2, "little") for row in range(side) for column in range(side))
    image.PixelData = b"".join(pixels)
    stream = BytesIO()
    image.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def blood_count_pdf() -> bytes:
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.pdfgen.canvas import Canvas

    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    stream = BytesIO()
    # Not compressed: another zlib would make other bytes.
    canvas = Canvas(stream, pagesize=(420, 595), pageCompression=0, invariant=1)
    canvas.setFont("STSong-Light", 11)
    lines = [f"{HOSPITAL} 检验报告单", NOTICE, f"报告编号: {REPORT_NUMBER}", "项目: 血常规"]
    lines += [f"姓名: {PATIENT}   病案号: {PATIENT_NUMBER}", f"采样时间: {SAMPLED}", f"报告时间: {REPORTED}"]
    lines += [f"{name}    {value}  {unit}    {limits}  {flag}" for _, name, value, unit, limits, flag in BLOOD_COUNT]
    lines += [f"检验: {DOCTOR}    审核: {REVIEWER}"]
    for number, line in enumerate(lines):
        canvas.drawString(40, 540 - 24 * number, line)
    canvas.save()
    return stream.getvalue()


def samples() -> dict[str, bytes]:
    """The files by their paths below the folder."""
    pdf, ct = blood_count_pdf(), chest_ct_dicom(1)
    message = blood_count_hl7v2()
    return {
        "fhir/blood-count.bundle.json": blood_count_fhir(),
        "fhir/report-without-results.json": report_without_results_fhir(),
        "fhir/broken-member-named-twice.bundle.json": broken_fhir(),
        "hl7v2/blood-count.hl7": message.encode(),
        "hl7v2/blood-count-gb18030-framed.hl7": framed(blood_count_hl7v2("GB 18030-2000").encode("gb18030")),
        "hl7v2/broken-cut-off.hl7": framed(message.encode())[:600],
        "cda/chest-ct.xml": chest_ct_cda(),
        "cda/broken-external-entity.xml": broken_cda(),
        "dicom/chest-ct-1.dcm": ct,
        "dicom/chest-ct-2.dcm": chest_ct_dicom(2),
        "dicom/broken-cut-off.dcm": ct[:-100],
        "pdf/blood-count.pdf": pdf,
        "pdf/broken-cut-off.pdf": pdf[: len(pdf) // 2],
    }


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent.parent / "samples"
    for path, content in samples().items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


if __name__ == "__main__":
    main()
