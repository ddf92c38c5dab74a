package exif

import goexif "github.com/rwcarlsen/goexif/exif"

// Names of tags that the parser does not know: those of Exif 2.32, TIFF and DNG, and
// of the private tags that cameras write.
var (
	moreNames = map[uint16]goexif.FieldName{
		0x000b: "ProcessingSoftware", 0x00fe: "NewSubfileType", 0x00ff: "SubfileType", 0x0107: "Thresholding",
		0x010a: "FillOrder", 0x010d: "DocumentName", 0x0116: "RowsPerStrip", 0x0118: "MinSampleValue",
		0x0119: "MaxSampleValue", 0x011d: "PageName", 0x011e: "XPosition", 0x011f: "YPosition", 0x0122: "GrayResponseUnit",
		0x0124: "T4Options", 0x0125: "T6Options", 0x0129: "PageNumber", 0x012d: "TransferFunction", 0x013c: "HostComputer",
		0x013d: "Predictor", 0x013e: "WhitePoint", 0x013f: "PrimaryChromaticities", 0x0142: "TileWidth",
		0x0143: "TileLength", 0x0152: "ExtraSamples", 0x0153: "SampleFormat", 0x0211: "YCbCrCoefficients",
		0x0214: "ReferenceBlackWhite", 0x4746: "Rating", 0x4749: "RatingPercent", 0x9216: "TIFF-EPStandardID",
		0xa480: "GDALMetadata", 0xc612: "DNGVersion", 0xc613: "DNGBackwardVersion", 0xc614: "UniqueCameraModel",
		0xc615: "LocalizedCameraModel", 0xc62f: "CameraSerialNumber", 0xc630: "LensInfo", 0x882a: "TimeZoneOffset",
		0x882b: "SelfTimerMode", 0x8830: "SensitivityType", 0x8831: "StandardOutputSensitivity",
		0x8832: "RecommendedExposureIndex", 0x8833: "ISOSpeed", 0x8834: "ISOSpeedLatitudeyyy",
		0x8835: "ISOSpeedLatitudezzz", 0x9010: "OffsetTime", 0x9011: "OffsetTimeOriginal", 0x9012: "OffsetTimeDigitized",
		0x9400: "AmbientTemperature", 0x9401: "Humidity", 0x9402: "Pressure", 0x9403: "WaterDepth", 0x9404: "Acceleration",
		0x9405: "CameraElevationAngle", 0xa430: "CameraOwnerName", 0xa431: "BodySerialNumber", 0xa432: "LensSpecification",
		0xa435: "LensSerialNumber", 0xa436: "ImageTitle", 0xa437: "Photographer", 0xa438: "ImageEditor",
		0xa439: "CameraFirmware", 0xa43a: "RAWDevelopingSoftware", 0xa43b: "ImageEditingSoftware",
		0xa43c: "MetadataEditingSoftware", 0xa460: "CompositeImage", 0xa461: "SourceImageNumberOfCompositeImage",
		0xa500: "Gamma",
	}
	moreGPSNames = map[uint16]goexif.FieldName{0x001f: "GPSHPositioningError"}
)
