# two speakers
@problemName Vowels
@timeStamps false
@missing true
@univariate false
@dimensions 2
@equalLength false
@seriesLength 3
@targetLabel false
@classLabel true ann bob
@data
1.86,1.89,?:-0.21,NaN,-2e-1:ann
1.30,1.28:0.07,:bob
