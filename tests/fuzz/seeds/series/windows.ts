@univariate true
@equalLength true
@classLabel true
@data
1,2:10
3,4:9
